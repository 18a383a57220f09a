"""Runs brought out of the database, for other tools."""
