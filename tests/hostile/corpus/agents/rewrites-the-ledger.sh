python3 -c '
import sqlite3, sys
conn = sqlite3.connect(sys.argv[1])
for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = ?", ("trigger",)).fetchall():
    conn.execute(f"DROP TRIGGER {name}")
conn.execute("UPDATE events SET actor = ? WHERE seq = 2", ("nobody",))
conn.commit()
' "$repository/swarms/control-plane.db"
