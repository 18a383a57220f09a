"""The control plane's SQLite file: all SQL of swarm, a module a table."""
