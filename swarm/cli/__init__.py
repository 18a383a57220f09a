"""Command line: options in, one call inward, a document or text out."""
