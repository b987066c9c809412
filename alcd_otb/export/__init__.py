"""Export finished maps in layouts that other programs read."""
