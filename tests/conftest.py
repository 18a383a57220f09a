"""Fixtures: a repository, the command line, and a guard that no test touches the real home."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import settings

from soak.calls import in_memory
from swarm import search_path, stage_events
from swarm.cli import main
from swarm.clock import fresh_correlation_id
from swarm.runtimes import programs, sandbox
from tests.stage import Kept, Stage

GIT = {
    "GIT_AUTHOR_NAME": "A Person",
    "GIT_AUTHOR_EMAIL": "person@example.invalid",
    "GIT_COMMITTER_NAME": "A Person",
    "GIT_COMMITTER_EMAIL": "person@example.invalid",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}
# A commit would look whether the repository needs packing, which takes as long as the commit.
UNTIDIED = ("-c", "maintenance.auto=false")


# The same examples in every run and on every machine; `HYPOTHESIS_PROFILE=explore` looks for new ones.
settings.register_profile("swarm", deadline=None, derandomize=True, database=None, max_examples=100)
settings.register_profile("explore", deadline=None, database=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "swarm"))


def pytest_configure() -> None:
    """Let every temporary folder of this session lie in memory: half of the time went to the disk."""
    if place := in_memory():
        os.environ["TMPDIR"], tempfile.tempdir = place, None
    # A shell without job control starts its background jobs deaf to Ctrl-C, and programs pass that on to theirs.
    signal.signal(signal.SIGINT, signal.default_int_handler)


_FAILED = pytest.StashKey[bool]()


class Answer(NamedTuple):
    """Result of a call of the command line."""

    exit: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout."""
        document: dict[str, Any] = json.loads(self.out)
        return document

    @property
    def data(self) -> Any:
        """The data of the document."""
        return self.document["data"]

    @property
    def code(self) -> str | None:
        """The code of the error block on stderr, or of the document."""
        if self.out.startswith('{"ok"'):
            return self.document.get("error", {}).get("code")
        lines = [line for line in self.err.splitlines() if line.startswith("ERROR [")]
        return lines[0][7:].partition("]")[0] if lines else None

    @property
    def events(self) -> list[dict[str, Any]]:
        """The NDJSON events on stderr."""
        return [json.loads(line) for line in self.err.splitlines() if line.startswith("{")]


class Repo:
    """A real repository that tests write to and commit in."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *UNTIDIED, *arguments],
            cwd=cwd or self.root,
            env={**os.environ, **GIT},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for name, content in files.items():
            file = self.root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, str):
                file.write_text(content, encoding="utf-8")
            else:
                file.write_bytes(content)

    def commit(self, files: Mapping[str, str | bytes] | None = None, message: str = "change") -> str:
        self.write(files or {})
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.head

    def start(self) -> None:
        """Make the repository, with a few files in three languages."""
        self.root.mkdir()
        self.git("init", "-q", "-b", "main", "--template=")
        for name in ("hooks", "info"):
            (self.root / ".git" / name).mkdir()
        (self.root / ".git/info/exclude").touch()
        self.commit(SOURCE, "start")

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD")


SOURCE = {
    "src/app.py": "import os\nimport sys\n\n\ndef load(path, seen=[]):\n    try:\n        return open(path).read()\n"
    "    except:\n        pass\n\n\ndef name():\n    return undefined_name\n",
    "src/tool.py": "import json, re\n\n\ndef run():\n    return eval('1')\n",
    "tests/test_app.py": "from src.app import load\n\n\ndef test_load():\n    assert load\n",
    "README.md": "# A project\n",
    "web/index.html": "<p>hello</p>\n",
}


@pytest.fixture(autouse=True)
def _guard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in list(os.environ):
        # Outside of CI, also where the tests run in one.
        if name.startswith(("SWARM_", "XDG_", "GIT_", "GITHUB_")) or name == "CI":
            monkeypatch.delenv(name)
    monkeypatch.setenv("SWARM_LOG", "ndjson")
    # Tests of the sandbox turn it on: the agents of other tests write beside their trees, to be seen by the test.
    for name in sandbox.BACKENDS:
        monkeypatch.setitem(sandbox.BACKENDS, name, lambda: "not in this test")
    # The same for tests that start swarm in a process of its own.
    monkeypatch.setenv("SWARM_SANDBOX", "none")
    # As a script that writes its own configuration does; the tests of strangers' repositories take it away.
    monkeypatch.setenv("SWARM_TRUST", "1")


@pytest.fixture(scope="session")
def shared_place(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """The folder that tests with a repository share, one after the other."""
    return Kept(tmp_path_factory.mktemp("stage").resolve())


@pytest.fixture
def tmp_path(tmp_path: Path, request: pytest.FixtureRequest, shared_place: Kept) -> Iterator[Path]:
    """An empty folder: of this test alone, or, where the test has a repository, the one that all of these share."""
    if "repo" not in request.fixturenames:
        yield tmp_path
        return
    # What a process remembers of paths: each test has others there.
    for remembered in (programs.asked, programs._found, search_path._inside):
        remembered.cache_clear()
    yield shared_place.clear()
    if request.node.stash.get(_FAILED, False):
        # pytest keeps the folders of tests that failed, to be looked at.
        shared_place.place.rename(tmp_path / "place")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[_FAILED] = item.stash.get(_FAILED, False) or report.failed
    return report


@pytest.fixture
def stage(shared_place: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _guard: None) -> Stage:
    """States that many tests begin in, brought into the folder of this test."""
    return Stage(shared_place, tmp_path, monkeypatch)


@pytest.fixture
def repo(tmp_path: Path, stage: Stage) -> Repo:
    """A clean repository with a few files in three languages."""
    made = Repo((tmp_path / "repo").resolve())
    stage.begin(made.start)
    return made


Swarm = Callable[..., Answer]
RefusedRows = Callable[..., Callable[[], None]]


@pytest.fixture
def swarm(repo: Repo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Swarm:
    """`swarm(*arguments, exit=0)`: one call of the command line in this process, in the repository."""

    def call(*arguments: str, exit: int | None = 0, cwd: Path | None = None) -> Answer:  # noqa: A002
        monkeypatch.chdir(cwd or repo.root)
        # Each call is an invocation of its own, as it is in a process.
        monkeypatch.setattr(stage_events, "correlation_id", fresh_correlation_id())
        capsys.readouterr()
        code = main.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        answer = Answer(code, out, err)
        assert exit is None or code == exit, f"exit {code}, not {exit}\n--- stdout\n{out}\n--- stderr\n{err}"
        return answer

    return call


@pytest.fixture
def swarm_process(repo: Repo) -> Swarm:
    """The same in a process of its own, which can be killed at a failpoint."""

    def call(
        *arguments: str,
        exit: int | None = 0,  # noqa: A002
        cwd: Path | None = None,
        **environment: str,
    ) -> Answer:
        done = subprocess.run(
            [sys.executable, "-m", "swarm", *map(str, arguments)],
            cwd=cwd or repo.root,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        answer = Answer(done.returncode, done.stdout, done.stderr)
        assert exit is None or answer.exit == exit, f"exit {answer.exit}, not {exit}\n{answer.out}\n{answer.err}"
        return answer

    return call


class Workspace(NamedTuple):
    """A run of the repository and where its files are."""

    run: str
    folder: Path
    db: Path

    def output(self, domain: str, wave: int = 1) -> Path:
        return self.folder / self.run / f"wave-{wave}" / domain / "output.json"

    def answer(self, domain: str, *findings: dict[str, Any], wave: int = 1, **keys: Any) -> None:
        """Write the output of an audit agent by hand."""
        numbered = [
            {"id": f"{number}", "severity": "MEDIUM", "category": "bug", "description": "It is wrong.", **finding}
            for number, finding in enumerate(findings, 1)
        ]
        body = {"domain": domain, "stage": "A", "summary": "Looked.", "findings": numbered, **keys}
        file = self.output(domain, wave)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(body), encoding="utf-8")


@pytest.fixture
def workspace(swarm: Swarm, repo: Repo, stage: Stage) -> Workspace:
    """A run with a frozen map of two domains, `code` and `rest`."""

    def make() -> str:
        run: str = swarm("init", ".", "--format", "json").data["runId"]
        for name in [d["name"] for d in swarm("domains", "--format", "json").data["domains"]]:
            swarm("domains", "--remove", name)
        swarm("domains", "--add", "code", "--globs", '["src/**"]')
        swarm("domains", "--add", "rest", "--globs", '["**"]')
        swarm("domains", "--freeze")
        return run

    run = stage.bring("workspace", make)
    folder = repo.root / "swarms"
    return Workspace(run, folder, folder / "control-plane.db")


@pytest.fixture
def dispatched(swarm: Swarm, workspace: Workspace, stage: Stage) -> Workspace:
    """The same with an isolated wave of health-audit-a in flight."""
    stage.bring("dispatched", lambda: swarm("dispatch", "health-audit-a", "--isolate"))
    return workspace


@pytest.fixture
def collected(swarm: Swarm, dispatched: Workspace, stage: Stage) -> Workspace:
    """The same, collected, with one finding in `src/app.py`."""

    def make() -> None:
        found = {"file": "src/app.py", "line": 5, "quote": "def load(path, seen=[]):", "symbol": "load"}
        dispatched.answer("code", found)
        dispatched.answer("rest")
        swarm("collect")

    stage.bring("collected", make)
    return dispatched
