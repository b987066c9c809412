"""Readers of processors' cloud masks and of reference masks: one module a format."""
