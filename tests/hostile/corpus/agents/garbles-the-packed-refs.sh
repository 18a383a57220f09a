echo "garbage $(printf "\033[2J")" > "$(git rev-parse --git-common-dir)/packed-refs"
