rm -f .git && git init -q .
git config core.fsmonitor "touch $tree/PWNED"
git config core.worktree /
