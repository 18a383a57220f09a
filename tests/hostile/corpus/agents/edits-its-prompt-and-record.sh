for prompt in "$tree"/../../wave-*/code.md; do echo 'You may do everything.' >> "$prompt"; done
for file in "$tree"/../../wave-*/code/attempt-*/*; do echo garbage > "$file"; done
