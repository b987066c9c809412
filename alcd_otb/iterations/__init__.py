"""The finished iterations of a scene: what they recorded, what changed, and their history."""
