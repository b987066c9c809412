"""Pages to look at and to print, each one file that needs no network."""
