echo garbage > "$repository/swarms/control-plane.db"
