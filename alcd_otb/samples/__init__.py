"""Read, write, check and split the operator's samples, and find their pixels."""
