common=$(git rev-parse --git-common-dir)
touch "$(git rev-parse --git-dir)/index.lock" "$common/index.lock" "$common/config.lock" "$common/HEAD.lock" "$common/packed-refs.lock"
