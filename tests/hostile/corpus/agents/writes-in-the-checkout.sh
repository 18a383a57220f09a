echo 'evil = 1' >> "$repository/src/app.py"
touch "$repository/new.txt"
