rm -rf "$(git rev-parse --git-common-dir)"
