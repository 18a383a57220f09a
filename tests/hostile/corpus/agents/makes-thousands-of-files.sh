mkdir -p src/many
seq 2000 | sed 's|^|src/many/|' | xargs touch
