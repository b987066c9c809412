"""Read the finished iterations of a scene: what they recorded, what changed between them, and their history."""
