"""Orfeo ToolBox for Python: applications as objects, chained in memory. Knows nothing of any use."""
