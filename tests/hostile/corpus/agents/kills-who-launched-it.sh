until [ -s "$play/tests.pid" ]; do sleep 0.05; done
# On Linux a keeper stands between an agent and who launched it.
launcher="$PPID"
[ ! -r "/proc/$PPID/stat" ] || launcher="$(cut -d ' ' -f 4 "/proc/$PPID/stat")"
kill -9 "$launcher"
sleep 20
