until [ -s "$play/tests.pid" ]; do sleep 0.05; done
echo '{' > "$(dirname "$output")/../tests/output.json"
