"""Report on a scene, an iteration and the dates of a tile, for the screen and for print."""
