rm -f .git
