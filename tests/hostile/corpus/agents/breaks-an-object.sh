common=$(git rev-parse --git-common-dir)
blob=$(git rev-parse HEAD:src/app.py)
file="$common/objects/$(echo "$blob" | cut -c1-2)/$(echo "$blob" | cut -c3-)"
chmod +w "$file" && echo garbage > "$file"
