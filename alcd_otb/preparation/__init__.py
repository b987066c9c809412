"""From the products of a scene to the feature stack, the view and the mask of valid pixels."""
