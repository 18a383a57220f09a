echo evil = 1 >> "$tree/../w1-tests/tests/test_app.py"
