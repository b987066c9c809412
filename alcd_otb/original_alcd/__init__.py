"""Work folders of the original ALCD, and the scenes that they become."""
