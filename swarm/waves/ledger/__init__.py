"""Ledger: verify the chain, and replay events into states."""
