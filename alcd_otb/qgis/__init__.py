"""QGIS projects and styles."""
