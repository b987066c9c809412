"""Make synthetic Sentinel-2 scenes whose truth is known. No satellite has seen any of them."""

from alcd_otb.synthetic.scene import SyntheticScene, make_scene

__all__ = ["SyntheticScene", "make_scene"]
