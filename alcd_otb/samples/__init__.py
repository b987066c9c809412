"""Read, write, check and split the operator's samples, and find the pixels that they stand for."""
