"""Compare reference masks with the masks of processors, and write tables and pictures."""
