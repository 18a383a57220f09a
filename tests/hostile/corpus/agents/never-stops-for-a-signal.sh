trap '' TERM INT HUP
while :; do sleep 300; done
