"""Collect: read outputs, judge ownership, match findings, record."""
