"""`collect` as a process: 100,000 findings in five outputs, then the same again after lines moved; how it grows.

Also the same findings without a file, which have no place to be found, and the size of the database.

The floor reads the outputs, hashes four fields of each finding, and writes the texts into one table with one unique
index; processor seconds, user and system, are compared. With `--full` growth is measured up to 500,000 findings, else
up to 150,000.
"""

import sys
from typing import NamedTuple

from measure import PYTHON, SWARM, Sample, folder, run, tell
from scenes import FINDINGS_A_FILE, answered_wave, audited, move_lines

FINDINGS = 100_000
REPEATS = 3
OVER_FLOOR = 2.5
OVER_FLOOR_UNPLACED = 2.0
FLOOR = """
import hashlib, json, pathlib, sqlite3, sys
conn = sqlite3.connect(sys.argv[1])
conn.execute("CREATE TABLE found (print UNIQUE, id, severity, category, file, line, quote, symbol, description, advice)")
def hashed(row):
    words = (row.get("file", ""), str(row.get("line")), row.get("quote", ""), row["category"])
    return hashlib.sha256("\\0".join(words).encode()).hexdigest()
for name in sys.argv[2:]:
    rows = json.loads(pathlib.Path(name).read_bytes())["findings"]
    names = ("id", "severity", "category", "file", "line", "quote", "symbol", "description", "recommendation")
    found = ((hashed(row), *(row.get(name) for name in names)) for row in rows)
    conn.executemany("INSERT OR IGNORE INTO found VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", found)
conn.commit()
"""


class Taken(NamedTuple):
    """Result of a scene: the first collect, the second where there was a second, the floor, the outputs' MiB.

    `size` and `floor_size` are the databases' MiB after the first collect.
    """

    first: Sample
    again: Sample | None
    floor: Sample
    mib: float
    size: float
    floor_size: float


def main() -> None:
    taken = [measured(FINDINGS, again=True) for _ in range(REPEATS)]
    first = min(taken, key=lambda item: abs(item.first.cpu - sorted(t.first.cpu for t in taken)[REPEATS // 2]))
    floor = sorted(item.floor.cpu for item in taken)[REPEATS // 2]
    again = sorted(item.again.cpu for item in taken if item.again)[REPEATS // 2]
    facts = {"repeats": REPEATS, "outputs_mib": first.mib, "elapsed": first.first.seconds}
    goal = OVER_FLOOR * floor
    tell("collect", f"CPU of {FINDINGS:,} new findings", first.first.cpu, "s", floor=floor, goal=goal, **facts)
    tell("collect", f"CPU of {FINDINGS:,} recurring, lines moved", again, "s", floor=floor, goal=goal, **facts)
    size = f"database of {FINDINGS:,} findings"
    tell("collect", size, first.size, "MiB", floor=first.floor_size, goal=2 * first.floor_size)
    bare = measured(FINDINGS, again=False, placed=False)
    goal = OVER_FLOOR_UNPLACED * bare.floor.cpu
    what = f"CPU of {FINDINGS:,} new findings without a file"
    tell("collect", what, bare.first.cpu, "s", floor=bare.floor.cpu, goal=goal, outputs_mib=bare.mib)
    told_memory(FINDINGS, first.first, first)
    for item in taken[:1]:
        if item.again:
            told_memory(FINDINGS, item.again, item, " recurring")
    most = 500_000 if "--full" in sys.argv[1:] else 150_000
    large = measured(most, again=False)
    linear = first.first.cpu * most / FINDINGS
    facts = {"repeats": 1, "outputs_mib": large.mib, "times_linear": large.first.cpu / linear}
    tell("collect", f"CPU of {most:,} new findings", large.first.cpu, "s", floor=linear, goal=2 * linear, **facts)
    told_memory(most, large.first, large)


def told_memory(count: int, sample: Sample, one: Taken, which: str = "") -> None:
    what = f"peak memory of {count:,}{which or ' new'} findings"
    tell("collect", what, sample.mib, "MiB", floor=one.floor.mib, goal=60 + 6 * one.mib, outputs_mib=one.mib)


def measured(count: int, *, again: bool, placed: bool = True) -> Taken:
    """Collect a wave of so many findings, and another one with the same findings after lines moved."""
    with folder() as made:
        scene = audited(made, count // FINDINGS_A_FILE)
        size = answered_wave(scene, placed=placed)
        # In the agents' own trees, where `answered_wave` writes them.
        outputs = sorted((scene.root / "swarms" / scene.run_id / "worktrees").glob("*/.swarm/output.json"))
        floor = run(PYTHON, "-c", FLOOR, made / "floor.db", *outputs, cwd=made)
        first = run(SWARM, "collect", "--format", "json", cwd=scene.root, keep=True)
        expect(first, "new", count)
        sizes = [
            file.stat().st_size / 2**20 for file in (scene.root / "swarms" / "control-plane.db", made / "floor.db")
        ]
        second = None
        if again:
            move_lines(scene)
            answered_wave(scene, moved=True)
            second = run(SWARM, "collect", "--format", "json", cwd=scene.root, keep=True)
            expect(second, "recurring", count)
    return Taken(first, second, floor, size / 2**20, *sizes)


def expect(sample: Sample, kind: str, count: int) -> None:
    counts = sample.data["findings"]
    if counts[kind] != count:
        raise SystemExit(f"{count} {kind} findings were expected; collect counted {counts}")


if __name__ == "__main__":
    main()
