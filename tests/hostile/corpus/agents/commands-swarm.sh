# Each that is not refused is told by an exit of its own.
"$python" -m swarm approve --all && exit 9
"$python" -m swarm collect && exit 9
"$python" -m swarm --db "$repository/swarms/control-plane.db" domains --unfreeze --reason mine && exit 9
cd "$repository" && env -i "$python" -m swarm domains --unfreeze --reason mine --force && exit 9
