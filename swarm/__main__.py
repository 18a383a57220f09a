"""`python -m swarm` runs `swarm`."""

from swarm.cli.main import run

if __name__ == "__main__":
    run()
