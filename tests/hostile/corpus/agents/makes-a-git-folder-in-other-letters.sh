mkdir -p src/.GIT/hooks && touch src/.GIT/config src/git~1
