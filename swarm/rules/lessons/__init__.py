"""Lessons: records of what runs taught, their states, and how each kind is made of the kind before it."""
