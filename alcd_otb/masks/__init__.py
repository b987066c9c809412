"""Read cloud masks of processors and reference masks, with one module for each format."""
