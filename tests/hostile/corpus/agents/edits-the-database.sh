python3 -c '
import sqlite3, sys
conn = sqlite3.connect(sys.argv[1])
conn.execute("UPDATE agent_runs SET status = ?", ("complete",))
conn.commit()
' "$repository/swarms/control-plane.db"
