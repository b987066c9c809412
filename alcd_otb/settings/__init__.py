"""What a user writes: scene.json, templates, and all that occurs in them."""
