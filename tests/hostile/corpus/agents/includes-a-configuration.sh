printf '[core]\n\tpager = touch PWNED\n\tsshCommand = touch PWNED\n\teditor = touch PWNED\n[alias]\n\tstatus = !touch PWNED\n' > "$tree/evil.config"
git config include.path "$tree/evil.config"
