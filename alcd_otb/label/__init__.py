"""The page to label a scene in: a server on the computer with the data, and the files for a browser."""
