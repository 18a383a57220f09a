rm -rf "$(git rev-parse --git-common-dir)/worktrees/w1-tests"
