"""A small repository and a run in it, brought to where a soak begins, and brought back there for every round."""

import gzip
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from soak.calls import git, together

DOMAINS = ("code", "docs", "rest")
AUDIT = "health-audit-a"
AMEND = "health-amend-a"
OLD = Path(__file__).parents[1] / "tests" / "data" / "control-plane-v1.db.gz"

# An agent answers for its domain. A third word is the file that it waits for, or says that it is moody: then it fails
# now and then, or answers with nonsense.
AGENT = """
import json, os, pathlib, sys, time
domain, phase = sys.argv[1:3]
mood = os.getpid() % 8 if sys.argv[3:] == ["moody"] else 0
wait = pathlib.Path(sys.argv[3]) if sys.argv[3:] not in ([], ["moody"]) else None
while wait is not None and not wait.exists():
    time.sleep(0.01)
output = pathlib.Path(os.environ["SWARM_OUTPUT_FILE"])
known = output.parent / "findings.json"
body = {"domain": domain, "summary": "Done."}
if phase.endswith("audit") or "-audit-" in phase:
    place = {"code": "src/part_0.py", "docs": "docs/page_0.md"}.get(domain, "README.md")
    text = pathlib.Path(place).read_text().splitlines()
    found = {"id": "1", "severity": "LOW", "category": "bug", "description": "It is wrong.", "file": place,
             "line": 1, "quote": text[0]}
    if phase == "feature-audit":
        body["features"] = []
    else:
        body |= {"stage": {"a": "A", "b": "B", "c": "C"}.get(phase[-1], "D"), "findings": [found]}
else:
    place = pathlib.Path({"code": "src/part_1.py", "docs": "docs/page_1.md"}.get(domain, "Makefile"))
    place.write_text(place.read_text() + f"# {phase}\\n")
    body |= {"fixes": [], "files_changed": [str(place)]}
if mood == 1:
    sys.exit("not today")
output.write_text(json.dumps([]) if mood == 2 else json.dumps(body))
"""
STEP = """
[[verify.steps]]
name = "check"
kind = "test"
argv = ["sh", "-c", "echo 1 ran"]
count_pattern = '^(\\d+) ran'
"""


class Stage:
    """A folder with a repository in it. What was made once is kept, and brought back to the same place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "place" / "repo"
        self._kept: set[str] = set()

    def bring(self, make: Callable[["Stage"], None]) -> None:
        """Bring back what `make` made the first time."""
        name = getattr(make, "__name__", "made")
        place, kept = self.root.parent, self.folder / f"kept-{name}"
        if name not in self._kept:
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            make(self)
            shutil.copytree(place, kept, symlinks=True)
            self._kept.add(name)
            return
        shutil.rmtree(place)
        shutil.copytree(kept, place, symlinks=True)

    @property
    def go(self) -> Path:
        """The file for which agents of the runtime `waits` wait."""
        return self.root.parent / "go"

    def swarm(self, *arguments: str) -> Any:
        (answer,) = together(self.root, [arguments])
        if not answer.is_done:
            raise SystemExit(str(answer))
        return answer.data

    @property
    def run(self) -> str:
        """The newest run."""
        return str(self.swarm("runs")[0]["id"])

    def answer(self, domain: str, wave: int = 1, **keys: Any) -> None:
        """Write the output of an agent by hand."""
        body = {"domain": domain, "summary": "Looked.", **keys}
        file = self.root / "swarms" / self.run / f"wave-{wave}" / domain / "output.json"
        file.write_text(json.dumps(body), encoding="utf-8")


def repository(stage: Stage) -> None:
    """Make a repository of some twenty files."""
    root = stage.root
    root.mkdir()
    git(root, "init", "-q", "-b", "main", "--template=")
    files = {"README.md": "# A project\n", "Makefile": "all:\n", ".gitignore": "swarms/\nswarm.toml\n"}
    files |= {f"src/part_{number}.py": f"def part_{number}(seen=[]):\n    return seen\n" for number in range(9)}
    files |= {f"docs/page_{number}.md": f"# Page {number}\n" for number in range(9)}
    for name, content in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "start")
    agent = root.parent / "agent.py"
    agent.write_text(AGENT, encoding="utf-8")
    argv = [sys.executable, str(agent), "{domain}", "{phase}"]
    (root / "swarm.toml").write_text(
        f'[runtimes.moody]\nkind = "command"\nargv = {json.dumps([*argv, "moody"])}\n'
        f'[runtimes.waits]\nkind = "command"\nargv = {json.dumps([*argv, str(stage.go)])}\n'
        f'[sandbox]\nbackend = "none"\nreason = "the agents wait for files beside the repository"\n{STEP}',
        encoding="utf-8",
    )


def drafted(
    stage: Stage, domains: Sequence[tuple[str, str]] = (("code", "src/**"), ("docs", "docs/**"), ("rest", "**"))
) -> None:
    """Make the repository a run with a map that is not frozen."""
    repository(stage)
    file = stage.root.parent / "domains.json"
    file.write_text(json.dumps([{"name": name, "globs": [glob]} for name, glob in domains]), encoding="utf-8")
    stage.swarm("init", ".", "--domains-from", str(file))


def frozen(stage: Stage) -> None:
    drafted(stage)
    stage.swarm("domains", "--freeze")


def dispatched(stage: Stage) -> None:
    """The same with an audit wave in flight, whose agents wait."""
    frozen(stage)
    stage.swarm("dispatch", AUDIT, "--isolate", "--runtime", "waits")


def answered(stage: Stage) -> None:
    """The same, and all have answered; `code` has found two things."""
    dispatched(stage)
    found = [
        {
            "id": f"{number}",
            "severity": "LOW",
            "category": "bug",
            "description": "It is wrong.",
            "file": f"src/part_{number}.py",
            "line": 1,
            "quote": f"def part_{number}(seen=[]):",
        }
        for number in range(2)
    ]
    for domain in DOMAINS:
        stage.answer(domain, stage="A", findings=found if domain == "code" else [])


def collected(stage: Stage) -> None:
    answered(stage)
    stage.swarm("collect")


def clear(stage: Stage) -> None:
    """An audit wave that found nothing, so that the run may go on."""
    dispatched(stage)
    for domain in DOMAINS:
        stage.answer(domain, stage="A", findings=[])
    stage.swarm("collect")


def failed(stage: Stage) -> None:
    """An audit wave that nobody answered to, collected."""
    dispatched(stage)
    stage.swarm("collect")


def amended(stage: Stage) -> None:
    """A collected amend wave: every agent has changed a file of its own, uncommitted."""
    collected(stage)
    stage.swarm("approve", "--all")
    wave = stage.swarm("dispatch", AMEND, "--isolate")
    changed = {"code": "src/part_0.py", "docs": "docs/page_0.md", "rest": "README.md"}
    for agent in wave["agents"]:
        file = Path(agent["worktreePath"]) / changed[agent["domain"]]
        file.write_text("# mended\n", encoding="utf-8")
        stage.answer(agent["domain"], 2, fixes=[], files_changed=[changed[agent["domain"]]])
    stage.swarm("collect")


def cleaned(stage: Stage) -> None:
    collected(stage)
    stage.swarm("clean", "--apply", "--reason", "soak")


def old(stage: Stage) -> None:
    """A repository with a control plane of the first version."""
    repository(stage)
    (stage.root / "swarms").mkdir()
    (stage.root / "swarms" / "control-plane.db").write_bytes(gzip.decompress(OLD.read_bytes()))
