"""The page to label a scene in: a server beside the machine that computes, and what it sends to a browser."""
