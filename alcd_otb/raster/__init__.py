"""Rasters and vectors as files: grids, reading, writing, blocks."""
