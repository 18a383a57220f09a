"""`python -m swarm` is `swarm`."""

from swarm.cli.door import run

if __name__ == "__main__":
    run()
