git branch -q -D never-was 2>/dev/null
git reflog expire --expire=now --all
git gc -q --prune=now
git worktree prune --expire=now
