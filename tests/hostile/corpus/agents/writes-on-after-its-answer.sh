(setsid sh -c 'while :; do echo "{" > "$0"; sleep 0.01; done' "$output" >/dev/null 2>&1 &)
until grep -q '^{$' "$output"; do sleep 0.01; done
