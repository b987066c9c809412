"""Raster and vector files: grids, reading, writing, blocks."""
