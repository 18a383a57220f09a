"""Somebody else at work in the same repository: worktrees that come and go, commits, tags, and packed refs.

One that `commits` does so on the branch that is checked out; one that does not writes the index there all the time.
"""

import shutil
import signal
import subprocess
import sys
from pathlib import Path


def main(root: Path, report: Path, *, commits: bool) -> int:
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    number = lost = 0
    while not stopped:
        number += 1
        tree = root.parent / f"neighbour-{number}"
        for words in (
            ("worktree", "add", "-q", "-b", f"theirs/{number}", str(tree)),
            ("-C", str(tree), "commit", "-q", "--allow-empty", "-m", "theirs"),
            ("status",),
            *(
                [("commit", "-q", "--allow-empty", "-m", "on main")]
                if commits
                else [("add", "-A", "--renormalize")] * 9
            ),
            ("tag", f"theirs-{number}"),
            ("config", "swarm-soak.round", str(number)),
            ("worktree", "remove", "--force", str(tree)),
            ("branch", "-q", "-D", f"theirs/{number}"),
            ("tag", "-d", f"theirs-{number}"),
            ("pack-refs", "--all"),
        ):
            done = subprocess.run(["git", *words], cwd=root, capture_output=True, check=False)
            # They may lose to us, as they would to anybody; that is for them to try again.
            lost += done.returncode != 0
        shutil.rmtree(tree, ignore_errors=True)
        report.write_text(f"{number} rounds, {lost} of their calls failed")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), commits=sys.argv[3] == "commits"))
