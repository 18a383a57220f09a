"""Control plane for waves of coding agents over a git repository."""

__version__ = "0.1.0"
