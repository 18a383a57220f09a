"""Lessons as files: derived from records, reviewed by people, and given to agents as advice."""
