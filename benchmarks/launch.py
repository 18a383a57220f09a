"""`launch` of 200 attempts that only copy a prepared output, eight at once, over the same processes bare."""

import json
import shutil
from pathlib import Path

from measure import PYTHON, SWARM, folder, run, side_by_side, swarm, tell
from scenes import PHASE, map_of, repository

ATTEMPTS = 200
AT_ONCE = 8
REPEATS = 5
FLOOR = """
import subprocess, sys
from concurrent.futures import ThreadPoolExecutor
script, prepared, made, count, at_once = sys.argv[1:]
def attempt(number):
    argv = ["/bin/sh", script, f"{prepared}/d{number}.json", f"{made}/d{number}.json"]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
with ThreadPoolExecutor(int(at_once)) as pool:
    list(pool.map(attempt, range(int(count))))
"""


def main() -> None:
    with folder() as made:
        names = [f"d{number}" for number in range(ATTEMPTS)]
        root = repository(made, ((f"{name}/file.py", b"pass\n") for name in names))
        prepared = made / "prepared"
        prepared.mkdir()
        for name in names:
            output = {"domain": name, "stage": "A", "summary": "Looked.", "findings": []}
            (prepared / f"{name}.json").write_text(json.dumps(output), encoding="utf-8")
        script = made / "copy.sh"
        script.write_text('exec cp "$1" "$2"\n', encoding="utf-8")
        run_id = map_of(root, [(name, f"{name}/**") for name in names])
        argv = ["/bin/sh", str(script), f"{prepared}/{{domain}}.json", "{output_file}"]
        settings = f'[runtimes.copy]\nkind = "command"\nargv = {json.dumps(argv)}\n'
        (root / "swarms" / "swarm.toml").write_text(settings, encoding="utf-8")
        swarm("dispatch", run_id, PHASE, cwd=root)
        folder_of_run, database = root / "swarms" / run_id, root / "swarms" / "control-plane.db"
        shutil.copytree(folder_of_run, made / "kept")
        shutil.copyfile(database, made / "kept.db")

        def bare() -> float:
            copies = made / "copies"
            copies.mkdir()
            took = run(PYTHON, "-c", FLOOR, script, prepared, copies, str(ATTEMPTS), str(AT_ONCE), cwd=made).seconds
            shutil.rmtree(copies)
            return took * 1000 / ATTEMPTS

        def launch() -> float:
            took = run(SWARM, "launch", "--runtime", "copy", "--jobs", str(AT_ONCE), cwd=root).seconds
            if len(outputs(folder_of_run)) != ATTEMPTS:
                raise SystemExit("some attempts left no output")
            shutil.rmtree(folder_of_run)
            shutil.copytree(made / "kept", folder_of_run)
            shutil.copyfile(made / "kept.db", database)
            return took * 1000 / ATTEMPTS

        took = side_by_side(REPEATS, {"bare": bare, "launch": launch})
    what = f"an attempt, of {ATTEMPTS}, {AT_ONCE} at once"
    tell("launch", what, took["launch"], "ms", floor=took["bare"], goal=took["bare"] + 15, repeats=REPEATS)


def outputs(folder_of_run: Path) -> list[Path]:
    return list(folder_of_run.glob("wave-1/*/output.json"))


if __name__ == "__main__":
    main()
