"""`findings` as JSON and as markdown: time and memory at 100,000 findings, and memory against a tenth of them.

The floor reads the same rows in the same order and writes them as JSON.
"""

from pathlib import Path

from measure import PYTHON, SWARM, Sample, folder, run, side_by_side, tell
from scenes import FINDINGS_A_FILE, answered_wave, audited

FEW, MANY = 10_000, 100_000
REPEATS = 3
FLOOR = """
import json, sqlite3, sys
conn = sqlite3.connect(sys.argv[1])
conn.row_factory = sqlite3.Row
for row in conn.execute("SELECT * FROM findings ORDER BY severity, file, line, id"):
    sys.stdout.write(json.dumps(dict(row)) + "\\n")
"""


def main() -> None:
    peaks: dict[tuple[str, int], float] = {}
    for count in (FEW, MANY):
        with folder() as made:
            scene = audited(made, count // FINDINGS_A_FILE)
            answered_wave(scene)
            run(SWARM, "collect", cwd=scene.root)
            took = measured(scene.root, count, peaks)
    for form in ("json", "markdown"):
        floor, what = took["floor"], f"{MANY:,} findings as {form}"
        tell("findings", what, took[form], "s", floor=floor, goal=3 * floor, repeats=REPEATS)
        few, many = peaks[form, FEW], peaks[form, MANY]
        tell(
            "findings", f"peak memory of {what}", many, "MiB", floor=peaks["floor", MANY], goal=few + 20, of_a_tenth=few
        )


def measured(root: Path, count: int, peaks: dict[tuple[str, int], float]) -> dict[str, float]:
    """Return the seconds of each form, and note their peaks of memory."""

    def seconds(name: str, sample: Sample) -> float:
        peaks[name, count] = max(sample.mib, peaks.get((name, count), 0))
        return sample.seconds

    database = root / "swarms" / "control-plane.db"
    return side_by_side(
        REPEATS,
        {
            "floor": lambda: seconds("floor", run(PYTHON, "-c", FLOOR, database, cwd=root)),
            "json": lambda: seconds("json", run(SWARM, "findings", "--format", "json", cwd=root, expect=(1,))),
            "markdown": lambda: seconds(
                "markdown", run(SWARM, "findings", "--format", "markdown", cwd=root, expect=(1,))
            ),
        },
    )


if __name__ == "__main__":
    main()
