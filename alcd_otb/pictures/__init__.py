"""Draw pictures of a scene and of its map."""
