git init -q "$tree/../mine" && echo "gitdir: $tree/../mine/.git" > "$tree/.git"
git config core.fsmonitor "touch $tree/PWNED"
