rm -f "$output"
cd "$(dirname "$output")" && python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("output.json")'
