rm -rf "$(dirname "$output")"
