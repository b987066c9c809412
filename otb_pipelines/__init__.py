"""Orfeo ToolBox for Python: applications as objects that are chained in memory, for any use."""

from otb_pipelines.plain_locale import use_plain_locale

# Before GDAL is loaded, which enters the names of its drivers into a table at once.
use_plain_locale()
