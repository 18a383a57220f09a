"""Setup: `init`, and the map of domains."""
