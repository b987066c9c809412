"""Settings that a user writes: ``scene.json``, templates, and everything in them."""
