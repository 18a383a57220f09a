truncate -s 100G src/giant.py
