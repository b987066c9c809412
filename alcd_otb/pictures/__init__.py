"""Pictures of a scene and of its map."""
