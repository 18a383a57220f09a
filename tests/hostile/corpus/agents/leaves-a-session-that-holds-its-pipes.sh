setsid sh -c "trap '' TERM HUP; sleep 300" &
