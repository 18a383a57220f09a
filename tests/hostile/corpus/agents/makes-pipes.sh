mkfifo src/pipe .gitattributes src/.gitignore
