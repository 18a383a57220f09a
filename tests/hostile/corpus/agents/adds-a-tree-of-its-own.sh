git worktree add -q -f "$tree/src/nested" HEAD
