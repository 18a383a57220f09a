"""Evidence that outlives a run: records of verified runs, and the lessons drawn from them."""
