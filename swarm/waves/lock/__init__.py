"""Plan locks of waves: what is launched is what was dispatched."""
