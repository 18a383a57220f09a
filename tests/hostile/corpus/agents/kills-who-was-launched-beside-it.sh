until [ -s "$play/tests.pid" ]; do sleep 0.05; done
kill -9 "$(cat "$play/tests.pid")"
