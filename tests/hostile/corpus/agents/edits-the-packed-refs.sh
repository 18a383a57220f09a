common=$(git rev-parse --git-common-dir)
git pack-refs --all
sed -i 's|^[0-9a-f]* refs/heads/main|0000000000000000000000000000000000000001 refs/heads/main|' "$common/packed-refs"
