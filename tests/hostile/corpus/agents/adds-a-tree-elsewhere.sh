git worktree add -q -b evil "$tree/../w1-evil" HEAD
