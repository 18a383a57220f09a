"""Run the soaks, all or those named: `python soak/run.py races rounds`. Options go to every script."""

import subprocess
import sys
from pathlib import Path

SOAKS = ("kill_matrix", "coordinator_kills", "random_kills", "walks", "concurrency", "races", "rounds", "hosts")


def main(words: list[str]) -> int:
    named = [word for word in words if word in SOAKS]
    strange = [word for word in words if word not in SOAKS and not word.startswith("-") and not word.isdigit()]
    if strange:
        print(f"no soak is called {', '.join(strange)}; there are {', '.join(SOAKS)}", file=sys.stderr)
        return 2
    options = [word for word in words if word not in SOAKS]
    failed = []
    for name in named or SOAKS:
        script = Path(__file__).with_name(f"{name}.py")
        if subprocess.run([sys.executable, str(script), *options], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"these did not hold: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
