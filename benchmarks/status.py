"""`status` of a run with 100,000 findings, over `--help`."""

from measure import SWARM, folder, run, side_by_side, swarm, tell
from scenes import FINDINGS_A_FILE, answered_wave, audited

FINDINGS = 100_000
REPEATS = 21


def main() -> None:
    with folder() as made:
        scene = audited(made, FINDINGS // FINDINGS_A_FILE)
        answered_wave(scene)
        run(SWARM, "collect", cwd=scene.root)
        if swarm("status", cwd=scene.root)["findings"]["total"] != FINDINGS:
            raise SystemExit("the scene has another number of findings")
        took = side_by_side(
            REPEATS,
            {
                "help": lambda: run(SWARM, "--help", cwd=made).seconds * 1000,
                "status": lambda: run(SWARM, "status", cwd=scene.root).seconds * 1000,
            },
        )
    goal = took["help"] + 100
    tell("status", "100,000 findings", took["status"], "ms", floor=took["help"], goal=goal, repeats=REPEATS)


if __name__ == "__main__":
    main()
