"""Files and folders: safe names, writing, exchange, and the lock of a folder."""
