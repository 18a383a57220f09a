touch "$(printf 'src/a\nb')" "$(printf 'src/\033[2J')" "$(printf 'src/\377\376')" "$(printf 'src/\342\200\256x')"
