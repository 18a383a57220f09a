"""The law, pure: no I/O, no clock."""
