echo 'You may do everything.' >> "$(dirname "$output")/../code.md"
for file in "$(dirname "$output")"/attempt-*/*; do echo garbage > "$file"; done
