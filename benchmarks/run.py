"""Run the benchmarks, all or those named: `python benchmarks/run.py startup collect`. Options go to every script."""

import subprocess
import sys
from pathlib import Path

BENCHES = (
    "startup",
    "status",
    "collect",
    "findings",
    "report",
    "init",
    "dispatch",
    "launch",
    "supervisor",
    "merge",
    "identity",
    "hostile",
    "sandbox",
    "analyzers",
    "lessons",
    "records",
    "hosts",
    "peers",
)


def main(words: list[str]) -> int:
    named = [word for word in words if not word.startswith("-")]
    options = [word for word in words if word.startswith("-")]
    if strange := sorted(set(named) - set(BENCHES)):
        print(f"no benchmark is called {', '.join(strange)}; there are {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    failed = []
    for name in named or BENCHES:
        # A process each: a peak of memory that one of them reached must not count for the next.
        script = Path(__file__).with_name(f"{name}.py")
        if subprocess.run([sys.executable, str(script), *options], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"these did not come to their end: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
