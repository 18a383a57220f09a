git config extensions.worktreeConfig true
git config --worktree core.fsmonitor "touch $tree/PWNED"
