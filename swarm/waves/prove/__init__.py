"""Proof: merge, verify, builds in scratch trees, second looks."""
