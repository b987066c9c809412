"""Make the feature stack, the view and the mask of valid pixels from the products of a scene."""
