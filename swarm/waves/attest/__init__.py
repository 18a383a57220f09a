"""Attestations of waves: receipts signed with their commit and their ledger, and checked again."""
