common=$(git rev-parse --git-common-dir)
mkdir -p "$common/info"
git rev-parse HEAD > "$common/info/grafts"
