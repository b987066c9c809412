"""Cross-validate samples by spatial block: measure how well they predict samples several kilometres away."""
