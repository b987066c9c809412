"""A scene in memory while it is labelled: every answer is the map that a run would make of the same samples."""
