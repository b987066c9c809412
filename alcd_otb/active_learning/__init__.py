"""Propose the places to label: first one of each kind of pixel, then uncertain pixels that are unlike all samples."""
