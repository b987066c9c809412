"""Cross-validation of the samples by spatial block."""
