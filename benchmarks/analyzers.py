"""First audit of a fresh checkout of 2,000 files in four languages, beside the bare tools side by side."""

import json
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from measure import SWARM, folder, run, side_by_side, tell
from scenes import repository

FILES = 2000
REPEATS = 3
SOURCES = {
    "py": "import os\n\n\ndef f{n}(seen=[]):\n    return seen\n" + "\n\ndef g{n}(a, b):\n    return a + b\n" * 10,
    "js": "const unused{n} = 1;\nif (NaN === 2) {{ debugger; }}\n"
    + "export function f(a, b) {{ return a + b; }}\n" * 1,
    "sh": "#!/bin/sh\ncd $1\nfor f in `ls`; do echo $f; done\n",
    "c": "#include <stdlib.h>\nint f{n}(void) {{ int a[3]; a[3] = 1; return a[0]; }}\n",
}
BARE = {
    "py": (
        "ruff",
        "check",
        "--isolated",
        "--no-cache",
        "--exit-zero",
        "--output-format=json",
        "--select=E4,E7,E9,F,B,S",
    ),
    "js": ("oxlint", "--format=json"),
    "sh": ("shellcheck", "--format=json1", "--norc"),
    "c": ("cppcheck", "--quiet", "--enable=warning,performance,portability", "--output-format=sarif", "-j2"),
}


def main() -> None:
    kinds = list(SOURCES)
    with folder() as made:
        named = [(kinds[n % len(kinds)], f"src/d{n % 40}/f{n}.{kinds[n % len(kinds)]}", n) for n in range(FILES)]
        root = repository(made, ((path, SOURCES[kind].format(n=n).encode()) for kind, path, n in named))
        beside = Path(sys.executable).parent

        def bare() -> float:
            def tool(kind: str) -> None:
                files = [path for own, path, _ in named if own == kind]
                run(beside / BARE[kind][0], *BARE[kind][1:], *files, cwd=root, expect=(0, 1))

            began = time.perf_counter()
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(tool, kinds))
            return time.perf_counter() - began

        def audit() -> float:
            shutil.rmtree(root / "swarms", ignore_errors=True)
            run("git", "worktree", "prune", cwd=root)
            sample = run(SWARM, "audit", ".", "--format", "json", cwd=root, expect=(1,), keep=True)
            if sum(by["files"] for by in json.loads(sample.out)["data"]["lookedAt"]["by"]) != FILES:
                raise SystemExit("some files were not looked at")
            return sample.seconds

        took = side_by_side(REPEATS, {"bare": bare, "audit": audit})
    what = f"first audit of {FILES} files by four analyzers"
    tell("analyzers", what, took["audit"], "s", floor=took["bare"], goal=took["bare"] + 1, repeats=REPEATS)


if __name__ == "__main__":
    main()
