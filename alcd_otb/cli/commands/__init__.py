"""The sub-commands, one file each: its options, and the few lines that call its job and print what came of it.

Each imports its job when it runs, so that other sub-commands start faster.
"""
