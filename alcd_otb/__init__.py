"""Reference cloud masks for Sentinel-2 by active learning on Orfeo ToolBox."""
