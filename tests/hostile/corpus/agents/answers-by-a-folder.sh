rm -f "$output" && mkdir -p "$output/x"
