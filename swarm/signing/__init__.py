"""Signatures: the user's keys, the envelopes that carry signatures, and the statements in them."""
