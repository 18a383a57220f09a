echo '*' > .gitignore && echo '*' > "$(git rev-parse --git-dir)/info-exclude"
echo evil > tests/evil.py
