"""Ledger: verify the chain, replay events into states."""
