"""Write QGIS projects and styles."""
