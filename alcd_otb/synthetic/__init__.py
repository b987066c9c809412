"""Synthetic Sentinel-2 scenes with known truth. Nothing made here was seen by a satellite."""

from alcd_otb.synthetic.scene import SyntheticScene, make_scene

__all__ = ["SyntheticScene", "make_scene"]
