yes "password=hunter2hunter2 $(printf "\033[2J")" | head -c 20000000
