rm -f "$repository/swarms/control-plane.db"*
