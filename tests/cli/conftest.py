"""The run that most tests of the command line begin with, made with few calls."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from swarm.engine import server
from swarm.runtimes import bubblewrap, landlock, sandbox
from swarm.store import connection
from tests.cli.scenes import merge_team
from tests.cli.scenes.amend_wave import FILES, FOUND, Amending
from tests.cli.scenes.amend_wave import MAP as AMENDING_MAP
from tests.cli.scenes.broken_things import Act, World, Worlds
from tests.cli.scenes.fixing import Fixing, prepare
from tests.cli.scenes.hosts import Hosts
from tests.cli.scenes.launched_agents import Agents, eventually, waiting
from tests.cli.scenes.merge_team import Team
from tests.cli.scenes.submissions import Archive
from tests.cli.scenes.triage import DOCS, EVAL, LOAD
from tests.conftest import Answer, RefusedRows, Repo, Swarm, Workspace
from tests.stage import Kept, Stage

MAP = [{"name": "code", "globs": ["src/**"]}, {"name": "rest", "globs": ["**"]}]


@pytest.fixture(params=["bwrap", "landlock"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each backend of the sandbox that works on this machine, alone; tests without this fixture run without any."""
    works = {"bwrap": bubblewrap.works, "landlock": landlock.works}[request.param]
    if problem := works():
        pytest.skip(f"{request.param}: {problem}")
    monkeypatch.delenv("SWARM_SANDBOX", raising=False)
    monkeypatch.setitem(sandbox.BACKENDS, request.param, works)
    return str(request.param)


@pytest.fixture
def workspace(swarm: Swarm, repo: Repo, tmp_path: Path, stage: Stage) -> Workspace:
    """A run with a frozen map of two domains, `code` and `rest`."""

    def make() -> str:
        file = tmp_path / "map.json"
        file.write_text(json.dumps(MAP))
        run: str = swarm("init", ".", "--domains-from", file, "--format", "json").data["runId"]
        swarm("domains", "--freeze")
        return run

    run = stage.bring("workspace", make)
    folder = repo.root / "swarms"
    return Workspace(run, folder, folder / "control-plane.db")


@pytest.fixture
def engine(swarm: Swarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A running engine on any port; yield its folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    swarm("engine", "up", "--listen", "127.0.0.1:0")
    yield tmp_path / "state/swarm/engine"
    server.stop()


@pytest.fixture
def hosts(amending: Amending, swarm: Swarm, engine: Path, tmp_path: Path) -> Hosts:
    """An amend wave in flight, an engine, and a worker `one` that was invited and is not started."""
    del engine
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return Hosts(amending, swarm, folder)


@pytest.fixture
def three(swarm: Swarm, dispatched: Workspace, stage: Stage) -> Workspace:
    """A collected wave with three findings."""

    def make() -> None:
        dispatched.answer("code", LOAD, EVAL)
        dispatched.answer("rest", DOCS)
        swarm("collect")

    stage.bring("three", make)
    return dispatched


@pytest.fixture
def team(swarm: Swarm, repo: Repo, workspace: Workspace, stage: Stage) -> Team:
    """Three approved findings: two of `code` and one of `rest`; a source that says BROKEN makes the build red."""
    team = Team(swarm, repo, workspace)

    def make() -> None:
        team.prove_with(merge_team.STEP)
        swarm("dispatch", "health-audit-a")
        workspace.answer("code", merge_team.LOAD, merge_team.NAME)
        workspace.answer("rest", merge_team.TITLE)
        swarm("collect")
        swarm("approve", "--all")

    stage.bring("team", make)
    return team


@pytest.fixture
def amended(team: Team, stage: Stage) -> Team:
    """The same with a collected amend wave: `code` left its mend uncommitted, `rest` committed its own."""

    def make() -> None:
        team.dispatch()
        team.edit("code", {"src/app.py": merge_team.MENDED})
        team.edit("rest", {"README.md": merge_team.RETITLED}, commit=True)
        ids = team.ids()
        team.collect(code=(ids["def load"],), rest=(ids["# A project"],))

    stage.bring("amended", make)
    return team


@pytest.fixture
def fixing(swarm: Swarm, repo: Repo, workspace: Workspace, stage: Stage) -> Fixing:
    """A run with two open findings, and an agent `played` that fixes both."""
    place = stage.bring("fixing", lambda: prepare(swarm, repo, workspace))
    return Fixing(swarm, repo, place)


@pytest.fixture
def fixed(fixing: Fixing, stage: Stage) -> Fixing:
    """The same, fixed: both fixes are verified on the branch of the run."""

    stage.bring("fixed", lambda: fixing.fix("--all", "--runtime", "played"))
    return fixing


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    return Worlds(Kept(tmp_path_factory.mktemp("worlds").resolve()))


@pytest.fixture
def world(request: pytest.FixtureRequest, swarm: Swarm, worlds: Worlds) -> Callable[[Act], World]:
    """`world(act)`: a run in the state in which a verb has work to do; to be used where `repo` is that of `worlds`."""
    return lambda act: worlds.world(act, swarm, lambda: request.getfixturevalue("workspace"))


@pytest.fixture
def audited(swarm: Swarm, repo: Repo, tmp_path: Path, stage: Stage) -> Amending:
    """A run with owned, bridge, shared and coordinator domains, whose audit found something in each."""

    def make() -> Workspace:
        repo.commit(FILES)
        file = tmp_path / "amending.json"
        file.write_text(json.dumps(AMENDING_MAP))
        run = swarm("init", ".", "--domains-from", file, "--format", "json").data["runId"]
        swarm("dispatch", run, "health-audit-a", "--auto-freeze")
        place = Workspace(run, repo.root / "swarms", repo.root / "swarms/control-plane.db")
        reports = [{"description": name, **finding} for name, finding in FOUND.items()]
        place.answer("code", *reports[:-1])
        place.answer("tests", reports[-1])
        place.answer("api")
        swarm("collect", run)
        return place

    return Amending(swarm, repo, stage.bring("audited", make))


@pytest.fixture
def amending(audited: Amending, stage: Stage) -> Amending:
    """The same with an isolated amend wave in flight: `load` and `eval` for code, `assert` for tests."""

    def make() -> None:
        audited.approve("load", "eval", "assert")
        audited.dispatch("--isolate")

    stage.bring("amending", make)
    return audited


@pytest.fixture
def refused_rows(monkeypatch: pytest.MonkeyPatch) -> RefusedRows:
    """`refused_rows("INSERT ON runs")`: SQLite refuses these rows to every command, until the answer is called.

    By a trigger of the connection: a control plane with a trigger of its own is refused as a whole.
    """

    def call(rows: str, problem: str = "no more", when: str = "") -> Callable[[], None]:
        event, table = rows.split(" ON ")
        connect = connection._connect

        def connected(path: Path) -> sqlite3.Connection:
            conn = connect(path)
            if conn.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (table,)).fetchone():
                conn.execute(
                    f"CREATE TEMP TRIGGER refuse BEFORE {event} ON main.{table} {when}"
                    f" BEGIN SELECT RAISE(ABORT, '{problem}'); END"
                )
            return conn

        monkeypatch.setattr(connection, "_connect", connected)
        return lambda: monkeypatch.setattr(connection, "_connect", connect)

    return call


@pytest.fixture
def after(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str, Callable[[], object]], None]:
    """`after(module, name, act)`: act once, right after a function of a module has returned."""

    def call(module: Any, name: str, act: Callable[[], object]) -> None:
        function, due = getattr(module, name), [act]

        def with_act(*arguments: Any, **options: Any) -> Any:
            result = function(*arguments, **options)
            while due:
                due.pop()()
            return result

        monkeypatch.setattr(module, name, with_act)

    return call


@pytest.fixture
def agents(repo: Repo, tmp_path: Path) -> Agents:
    return Agents(repo, tmp_path)


@pytest.fixture
def launched(swarm: Swarm, agents: Agents, workspace: Workspace) -> Callable[..., Answer]:
    """Play a script for both agents of an isolated wave."""

    def call(body: str, *options: str, exit: int | None = 0, **how: str) -> Answer:  # noqa: A002
        agents.play(body, **how)
        swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "played")
        return swarm("launch", "--format", "json", *options, exit=exit)

    return call


@pytest.fixture
def background(repo: Repo) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start swarm in a process that is not waited for."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "swarm", *arguments],
            cwd=repo.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def at_work(
    swarm: Swarm, agents: Agents, workspace: Workspace, background: Callable[..., subprocess.Popen[str]]
) -> subprocess.Popen[str]:
    """A launch in a process of its own, both of whose agents are at work and never end."""
    del workspace
    are_at_work = waiting(agents, swarm)
    process = background("launch")
    assert eventually(are_at_work)
    return process


@pytest.fixture
def dead_pid() -> int:
    """The id of a process that is over."""
    done = subprocess.Popen(["true"])
    done.wait()
    return done.pid


@pytest.fixture
def four(swarm: Swarm, dispatched: Workspace, stage: Stage) -> Workspace:
    """A collected wave with a finding of each severity."""
    stage.bring("four", lambda: _answer_four(swarm, dispatched))
    return dispatched


def _answer_four(swarm: Swarm, dispatched: Workspace) -> None:
    dispatched.answer(
        "code",
        {"severity": "LOW", "file": "src/tool.py", "line": 1, "category": "quality", "description": "Two | imports."},
        {"severity": "CRITICAL", "file": "src/tool.py", "line": 5, "category": "security", "rule_id": "S307"},
        {"severity": "HIGH", "file": "src/app.py", "line": 5, "quote": "def load(path, seen=[]):", "symbol": "load"},
    )
    dispatched.answer("rest", {"severity": "MEDIUM", "description": "Nothing says how to run it.", "category": "docs"})
    swarm("collect")


@pytest.fixture
def archive(tmp_path: Path, swarm: Swarm, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """An empty archive of records."""
    monkeypatch.delenv("GH_TOKEN", raising=False)
    root = tmp_path / "archive"
    root.mkdir()
    return Archive(root, swarm)
