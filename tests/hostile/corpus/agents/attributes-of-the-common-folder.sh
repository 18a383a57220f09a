common=$(git rev-parse --git-common-dir)
mkdir -p "$common/info"
echo '* filter=evil' > "$common/info/attributes"
