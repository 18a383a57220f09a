"""`report` at 100,000 findings: time, memory and the bytes of its page, and memory against a tenth of them.

The floor reads the same rows in the same order and writes them to a file as JSON.
"""

from pathlib import Path

from measure import PYTHON, SWARM, Sample, folder, run, side_by_side, tell
from scenes import FINDINGS_A_FILE, answered_wave, audited

FEW, MANY = 10_000, 100_000
REPEATS = 3
MIB = 2**20
FLOOR = """
import json, sqlite3, sys
conn = sqlite3.connect(sys.argv[1])
conn.row_factory = sqlite3.Row
with open(sys.argv[2], "w") as page:
    for row in conn.execute("SELECT * FROM findings ORDER BY severity, file, line, id"):
        page.write(json.dumps(dict(row)) + "\\n")
"""


def main() -> None:
    peaks: dict[tuple[str, int], float] = {}
    for count in (FEW, MANY):
        with folder() as made:
            scene = audited(made, count // FINDINGS_A_FILE)
            answered_wave(scene)
            run(SWARM, "collect", cwd=scene.root)
            took = measured(scene.root, count, peaks)
            sizes = {name: (made / name).stat().st_size / MIB for name in ("page.html", "floor.json")}
            trends = run(SWARM, "trends", cwd=scene.root)
    floor, what = took["floor"], f"{MANY:,} findings as a page"
    tell("report", what, took["report"], "s", floor=floor, goal=3 * floor, repeats=REPEATS)
    few, many = peaks["report", FEW], peaks["report", MANY]
    tell("report", f"peak memory of {what}", many, "MiB", floor=peaks["floor", MANY], goal=100, of_a_tenth=few)
    tell("report", f"size of {what}", sizes["page.html"], "MiB", floor=sizes["floor.json"], goal=sizes["floor.json"])
    tell("report", f"trends over {MANY:,} findings", trends.seconds, "s", goal=2.0, peak_mib=trends.mib)


def measured(root: Path, count: int, peaks: dict[tuple[str, int], float]) -> dict[str, float]:
    """Return the seconds of each, and note their peaks of memory."""

    def seconds(name: str, sample: Sample) -> float:
        peaks[name, count] = max(sample.mib, peaks.get((name, count), 0))
        return sample.seconds

    database, target = root / "swarms" / "control-plane.db", root.parent
    return side_by_side(
        REPEATS,
        {
            "floor": lambda: seconds("floor", run(PYTHON, "-c", FLOOR, database, target / "floor.json", cwd=root)),
            "report": lambda: seconds("report", run(SWARM, "report", "-o", target / "page.html", cwd=root)),
        },
    )


if __name__ == "__main__":
    main()
