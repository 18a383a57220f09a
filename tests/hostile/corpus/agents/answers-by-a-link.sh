rm -f "$output" && ln -s /dev/zero "$output"
