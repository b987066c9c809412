"""Orfeo ToolBox for Python: applications as objects that are chained in memory, for any use."""
