git config core.fsmonitor "touch $tree/PWNED"
