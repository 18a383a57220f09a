rm -f src/app.py && ln -s /etc/passwd src/app.py && rm -rf tests && ln -s "$HOME" tests
