"""Launch: attempts, their files and their supervision."""
