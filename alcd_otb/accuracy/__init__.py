"""Compute confusion matrices and metrics, and estimate the accuracy of a map from a random sample of points."""
