cd / && rm -rf "$tree"
