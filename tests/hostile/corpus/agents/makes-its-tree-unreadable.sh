chmod 0 "$tree/src" && chmod 0 "$tree"
