"""HTML report page."""
