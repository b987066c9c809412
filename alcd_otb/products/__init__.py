"""Input products: Sentinel-2 Level-1C products, and stacks of any sensor."""
