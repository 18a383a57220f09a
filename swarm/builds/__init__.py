"""Verification adapters: which steps prove a tree, running them, and reading what they came to."""
