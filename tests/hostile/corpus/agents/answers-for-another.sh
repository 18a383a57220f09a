until [ -s "$play/tests.pid" ]; do sleep 0.05; done
for wave in "$tree"/../w*-tests; do echo '{' > "$wave/.swarm/output.json"; done
