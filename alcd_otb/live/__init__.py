"""A scene in memory while it is labelled: its maps equal those that a run would make from the same samples."""
