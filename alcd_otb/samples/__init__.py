"""The operator's samples: reading, writing, checking, splitting, and the pixels that they stand for."""
