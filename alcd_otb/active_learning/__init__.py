"""Propose the places to label: first one of each kind of pixel, then unsure pixels that are unlike all samples."""
