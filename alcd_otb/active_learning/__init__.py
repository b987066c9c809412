"""Propose the places to label next: pixels that the classifier is unsure of and that are unlike all samples."""
