rm -f "$output" && mkfifo "$output"
