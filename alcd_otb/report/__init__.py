"""What is said of a scene, a run and a tile's dates, to look at and to print."""
