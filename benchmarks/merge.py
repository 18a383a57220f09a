"""`merge` and `verify` over the git calls and the test command that they stand for, run bare.

Twelve agents have changed twenty files each, uncommitted, in a repository of 5,000 files; each file has a finding that
its agent claims to have mended. The build is one test command.
"""

import json
import shutil
from pathlib import Path
from typing import Any

from measure import SWARM, folder, run, side_by_side, swarm, tell
from scenes import PHASE, map_of, repository

FILES = 5_000
DOMAINS = 12
CHANGED = 20
REPEATS = 5
COMMAND = ("python3", "-c", "print('Ran 1 test')")
CONFIG = f"""
[[verify.steps]]
name = "tests"
kind = "test"
argv = {json.dumps(COMMAND)}
count_pattern = 'Ran (\\d+) test'
"""


def main() -> None:
    with folder() as made:
        root, run_id = collected(made)
        database, kept = root / "swarms" / "control-plane.db", made / "kept.db"
        shutil.copyfile(database, kept)
        refs = run("git", "for-each-ref", "--format=%(refname) %(objectname)", cwd=root, keep=True).out.decode()

        def restored() -> None:
            now = run("git", "for-each-ref", "--format=%(refname)", cwd=root, keep=True).out.decode().split()
            before = dict(line.split() for line in refs.splitlines())
            for name in now:
                words = ["update-ref", name, before[name]] if name in before else ["update-ref", "-d", name]
                run("git", *words, cwd=root)
            for tree in trees(root, run_id):
                run("git", "reset", "-q", "--mixed", cwd=tree)
            shutil.copyfile(kept, database)

        def bare_merge() -> float:
            took = bare(made, root, run_id)
            restored()
            return took

        def merge() -> float:
            sample = run(SWARM, "merge", run_id, "--format", "json", cwd=root, keep=True)
            if len(sample.data["fixed"]) != DOMAINS * CHANGED:
                raise SystemExit(f"{len(sample.data['fixed'])} findings were proved")
            restored()
            return sample.seconds

        took = side_by_side(REPEATS, {"bare": bare_merge, "merge": merge})
        run(SWARM, "merge", run_id, cwd=root)

        def bare_verify() -> float:
            return proof(made, root, f"swarm/{run_id.rpartition('-')[2]}/integration")

        def verify() -> float:
            sample = run(SWARM, "verify", run_id, "--format", "json", cwd=root, keep=True)
            if sample.data["claims"]["summary"]["verified"] != DOMAINS * CHANGED:
                raise SystemExit("not every claim was verified")
            return sample.seconds

        proved = side_by_side(REPEATS, {"bare": bare_verify, "verify": verify})
    what = f"{DOMAINS} agents, {DOMAINS * CHANGED} changed files of {FILES:,}"
    tell("merge", what, took["merge"], "s", floor=took["bare"], goal=1.5 * took["bare"], repeats=REPEATS)
    what = f"{DOMAINS * CHANGED} claims, one test command"
    tell("verify", what, proved["verify"], "s", floor=proved["bare"], goal=proved["bare"] + 0.5, repeats=REPEATS)


def collected(made: Path) -> tuple[Path, str]:
    """Return a repository, and a run in it whose amend wave is collected."""
    root = repository(made, ((name(n), content(n)) for n in range(FILES)))
    run_id = map_of(root, [(f"d{n}", f"part{n}/**") for n in range(DOMAINS)])
    (root / "swarms" / "swarm.toml").write_text(CONFIG, encoding="utf-8")
    for agent in swarm("dispatch", run_id, PHASE, cwd=root)["agents"]:
        mine = files_of(agent["domain"])
        found = [
            {
                "id": str(number),
                "severity": "LOW",
                "category": "bug",
                "description": "It is wrong.",
                "file": file,
                "line": 3,
                "quote": f"value_{number} = {number}",
            }
            for number, file in mine.items()
        ]
        answer(agent, {"stage": "A", "findings": found})
    swarm("collect", run_id, cwd=root)
    swarm("approve", run_id, "--all", cwd=root)
    known = swarm("findings", run_id, cwd=root, expect=(0, 1))["findings"]
    by_file = {finding["file"]: finding["findingId"] for finding in known}
    for agent in swarm("dispatch", run_id, "health-amend-a", "--isolate", cwd=root)["agents"]:
        mine = files_of(agent["domain"])
        for number, file in mine.items():
            target = Path(agent["worktreePath"]) / file
            target.write_text(target.read_text().replace(f"value_{number} = {number}", "mended = True"))
        fixes = [{"finding_id": by_file[file], "description": "Mended.", "file": file} for file in mine.values()]
        answer(agent, {"fixes": fixes, "files_changed": list(mine.values())})
    swarm("collect", run_id, cwd=root)
    return root, run_id


def name(number: int) -> str:
    return f"part{number % DOMAINS}/module_{number}.py"


def content(number: int) -> bytes:
    lines = [f"line_{n} = {n}" for n in range(40)]
    lines[2] = f"value_{number} = {number}"
    return ("\n".join(lines) + "\n").encode()


def files_of(domain: str) -> dict[int, str]:
    first = int(domain.removeprefix("d"))
    return {number: name(number) for number in range(first, DOMAINS * CHANGED, DOMAINS)}


def answer(agent: dict[str, Any], rest: dict[str, Any]) -> None:
    file = Path(agent["outputPath"])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"domain": agent["domain"], "summary": "Done.", **rest}), encoding="utf-8")


def trees(root: Path, run_id: str) -> list[Path]:
    return sorted((root / "swarms" / run_id / "worktrees").glob("w2-*"))


def bare(made: Path, root: Path, run_id: str) -> float:
    """Return the seconds of the git calls that a person would need, and of the test command."""
    took = 0.0
    commit = text(root, "rev-parse", "main")
    for tree in trees(root, run_id):
        took += run("git", "add", "-A", cwd=tree).seconds
        took += run("git", "commit", "-q", "-m", "work", cwd=tree).seconds
        tip = text(tree, "rev-parse", "HEAD")
        merged = run("git", "merge-tree", "--write-tree", commit, tip, cwd=root, keep=True)
        took += merged.seconds
        words = ("commit-tree", merged.out.decode().split()[0], "-p", commit, "-p", tip, "-m", "merge")
        made_commit = run("git", *words, cwd=root, keep=True)
        took += made_commit.seconds
        commit = made_commit.out.decode().strip()
    took += run("git", "update-ref", "refs/heads/merged", commit, cwd=root).seconds
    return took + proof(made, root, "merged")


def proof(made: Path, root: Path, revision: str) -> float:
    """Return the seconds of a scratch worktree, the test command in it, and its removal."""
    place = made / "scratch"
    took = run("git", "worktree", "add", "-q", "--detach", place, revision, cwd=root).seconds
    took += run(*COMMAND, cwd=place).seconds
    return took + run("git", "worktree", "remove", "--force", place, cwd=root).seconds


def text(folder: Path, *arguments: str) -> str:
    return run("git", *arguments, cwd=folder, keep=True).out.decode().strip()


if __name__ == "__main__":
    main()
