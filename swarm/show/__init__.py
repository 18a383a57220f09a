"""Rendering of results: text, markdown, SARIF, TOML, HTML."""
