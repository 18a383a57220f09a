"""Removal of what a run left: clean, rewind, undo."""
