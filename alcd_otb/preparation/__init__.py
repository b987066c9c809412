"""Preparation of a scene: from products to the feature stack, the view and the mask of valid pixels."""
