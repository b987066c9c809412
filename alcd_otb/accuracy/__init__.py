"""Confusion matrices and metrics; the accuracy of a map estimated from a random sample of points."""
