"""Real coding agents against a model that plays a script: an audit, fixes that are merged and verified, failures.

`make agents` runs these. Each program is installed from its registry; where that cannot be reached, it is skipped.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.agents.model_server import ModelServer, model_server
from tests.agents.programs import PROGRAMS, Program, installed, path_of
from tests.agents.steps import Edit, Fail, Half, Say, Shell, Silence, Step
from tests.conftest import Answer, Repo

pytestmark = [pytest.mark.agents, pytest.mark.timeout(900)]

FILES = {
    "src/__init__.py": "",
    "src/app.py": "import os\n\n\ndef load(path):\n    return open(path).read()\n",
    "check.py": "from src.app import load\n\nassert load\nprint('1 passed')\n",
}
VERIFY = f"""
[launch]
attempts = 1
stalls = {{ no_event = 40, error = 2 }}

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
NOWHERE = "http://127.0.0.1:9"
Run = Callable[..., Answer]


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
            project.commit({"swarm.toml": ready.config + VERIFY}, "settings")
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


def test_an_audit_and_a_fix_by_real_tools_end_in_a_verified_branch(program: Program, project: Repo, run: Run) -> None:
    start = project.head
    with model_server(script=works) as server:
        audit = run(server.base, "audit", ".", "--runtime", program.runtime, "--format", "json")
        assert audit.exit == 1, audit.out + audit.err
        (finding,) = run(server.base, "findings", "--format", "json").data["findings"]
        assert (finding["file"], finding["line"], finding["description"]) == ("src/app.py", 1, FINDING["description"])
        fix = run(server.base, "fix", "--all", "--runtime", program.runtime, "--format", "json")
        assert fix.exit == 0, fix.out + fix.err
    assert_asked(server)
    branch = fix.data["branch"]
    assert project.git("diff", "--stat", f"{start}..{branch}", "--", "src").splitlines()[0].split()[0] == "src/app.py"
    assert project.git("show", f"{branch}:src/app.py") == "def load(path):\n    return open(path).read()"
    # The user's own branch and checkout stay as they were.
    assert (project.root / "src/app.py").read_text() == FILES["src/app.py"]


def assert_asked(server: ModelServer) -> None:
    assert {request.model for request in server.requests} <= {"claude-fake", "gpt-fake", "fake-model"}


# The codes that an attempt may end with, by what the provider does. A program that keeps silent about the cause of what
# it repeats is known by its idle time alone.
FAILURES: dict[str, tuple[Step | None, set[str]]] = {
    "401": (Fail(401, "invalid x-api-key"), {"CREDENTIAL_REFUSED"}),
    "429": (Fail(429, "usage limit reached", retry_after=1), {"QUOTA_EXHAUSTED"}),
    "500": (Fail(500, "internal error"), {"STALLED"}),
    "half": (Half(), {"STALLED", "BACKEND_UNREACHABLE"}),
    "silence": (Silence(), {"STALLED"}),
    "unreachable": (None, {"BACKEND_UNREACHABLE"}),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_provider_that_fails_ends_an_attempt_with_its_code_and_leaves_no_process(
    project: Repo, run: Run, program: Program, failure: str
) -> None:
    step, codes = FAILURES[failure]
    with model_server(step or Silence()) as server:
        base = NOWHERE if step is None else server.base
        for command in (["init", "."], ["domains", "--freeze"], ["dispatch", "health-audit-a", "--isolate"]):
            assert run(base, *command).exit == 0
        answer = run(base, "launch", "--runtime", program.runtime, "--format", "json")
    attempts = [attempt for agent in answer.data["agents"] for attempt in agent["attempts"]]
    assert answer.exit == 3
    assert {attempt["exitClass"] for attempt in attempts} == {3}
    assert {attempt["errorCode"] for attempt in attempts} <= codes, attempts


def test_an_agent_in_the_sandbox_reaches_nothing_of_others_and_its_work_is_taken_without_a_commit(
    project: Repo, run: Run, program: Program
) -> None:
    if program.is_python:
        pytest.skip("its model has no shell")
    secret = Path.home() / "secret"
    secret.write_text("hidden")
    lines = [
        f"cat {secret} >> seen.txt 2>/dev/null || echo hidden-home >> seen.txt",
        "ls ../*/.git >> seen.txt 2>/dev/null; git add -A; git commit -qm mine || echo no-commit >> seen.txt",
    ]

    def tries(text: str) -> Sequence[Step]:
        if "amend the domain" not in text:
            return works(text)
        *edit, answer = works(text)
        return [*edit, *(Shell(line) for line in lines), answer]

    with model_server(script=tries) as server:
        assert run(server.base, "audit", ".", "--runtime", program.runtime).exit == 1
        run(server.base, "approve", "--all")
        run(server.base, "dispatch", "health-amend-a", "--isolate", "--runtime", program.runtime)
        assert run(server.base, "launch", "--runtime", program.runtime).exit == 0
    (seen,) = (project.root / "swarms").rglob("seen.txt")
    found = seen.read_text().splitlines()
    assert "hidden" not in found
    assert "hidden-home" in found
    assert "no-commit" in found
