rm -f "$output" && ln -s "$HOME/secret.json" "$output"
