common=$(git rev-parse --git-common-dir)
mkdir -p "$common/objects/info"
echo "$tree/nowhere/objects" > "$common/objects/info/alternates"
