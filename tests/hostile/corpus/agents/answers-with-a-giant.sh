truncate -s 100G "$output"
