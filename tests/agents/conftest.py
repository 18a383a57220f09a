"""Fixtures of real coding agents: each program, a project, and swarm in a process of its own."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.agents.programs import PROGRAMS, Program, installed, path_of
from tests.agents.steps import Edit, Say, Step
from tests.conftest import Answer, Repo

FILES = {
    "src/__init__.py": "",
    "src/app.py": "import os\n\n\ndef load(path):\n    return open(path).read()\n",
    "check.py": "from src.app import load\n\nassert load\nprint('1 passed')\n",
}
# Alone on a machine each program says something within 2 s, and aider is silent for 3 s while it starts. Ten times that
# is enough on a machine with other work.
NO_EVENT_SECONDS = 40
VERIFY = f"""
[[verify.steps]]
name = "check"
kind = "test"
argv = [{json.dumps(sys.executable)}, "check.py"]
count_pattern = "(\\\\d+) passed"
"""
FINDING = {
    "id": "1",
    "severity": "HIGH",
    "category": "quality",
    "file": "src/app.py",
    "line": 1,
    "quote": "import os",
    "description": "os is imported and not used.",
    "recommendation": "Remove the import.",
}
Run = Callable[..., Answer]


def settings_of(program: Program, *, attempts: int = 1, no_event: int = NO_EVENT_SECONDS) -> str:
    """Return a `swarm.toml` for a program."""
    launch = f"[launch]\nattempts = {attempts}\nstalls = {{ no_event = {no_event}, error = 2 }}\n"
    # What a program needs of it does not depend on the address of its server.
    return program.ready("").config + launch + VERIFY


def asked_domain(text: str) -> str:
    found = re.search(r"domain `([\w-]+)`", text)
    assert found, text[:2000]
    return found[1]


def works(text: str) -> Sequence[Step]:
    """Report the unused import in an audit, and remove it in an amend wave."""
    domain = asked_domain(text)
    if "amend the domain" not in text:
        owns = "src/app.py" in text or domain == "backend"
        found = {"domain": domain, "stage": "A", "summary": "Looked.", "findings": [FINDING] if owns else []}
        return [Say(json.dumps(found), thought="Let me look.")]
    (finding,) = set(re.findall(r'"id": "(F-[0-9a-f]+)", "severity"', text)) or {"F-0"}
    fix = {"finding_id": finding, "description": "Removed the import.", "file": "src/app.py"}
    answer = {"domain": domain, "summary": "Removed.", "fixes": [fix], "files_changed": ["src/app.py"], "skipped": []}
    return [Edit("src/app.py", "import os\n\n\n", ""), Say(json.dumps(answer))]


@pytest.fixture(params=PROGRAMS, ids=lambda program: program.runtime)
def program(request: pytest.FixtureRequest) -> Program:
    found: Program = request.param
    if why := installed(found):
        pytest.skip(why)
    return found


@pytest.fixture
def project(tmp_path: Path) -> Repo:
    root = tmp_path / "project"
    root.mkdir()
    made = Repo(root.resolve())
    made.git("init", "-q", "-b", "main")
    made.git("config", "user.name", "A Person")
    made.git("config", "user.email", "person@example.invalid")
    made.commit(FILES, "start")
    return made


@pytest.fixture
def run(program: Program, project: Repo, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run swarm in a process of its own, where it finds the program, and a provider at an address."""
    monkeypatch.delenv("SWARM_SANDBOX")
    monkeypatch.setenv("PATH", f"{path_of(program)}{os.pathsep}{os.environ['PATH']}")
    home = Path.home()

    def call(base: str, *arguments: str) -> Answer:
        ready = program.ready(base)
        for name, content in ready.home.items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(content)
        config = project.root / "swarm.toml"
        if not config.exists():
            project.commit({"swarm.toml": settings_of(program)}, "settings")
        done = subprocess.run(
            [sys.executable, "-m", "swarm", *arguments],
            cwd=project.root,
            env={**os.environ, **ready.environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    yield call
    assert left_of(home) == []


def left_of(home: Path) -> list[str]:
    """Return the processes that have this home, which no other test has."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"HOME={home}\0".encode() in (entry / "environ").read_bytes() and int(entry.name) != os.getpid():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found
