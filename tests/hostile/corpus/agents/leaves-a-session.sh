(setsid sleep 300 >/dev/null 2>&1 &)
