"""The control plane's SQLite file, and nothing else that speaks SQL."""
