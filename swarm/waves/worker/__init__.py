"""A worker: orders taken from an engine, worked on here, and their results sent back."""
