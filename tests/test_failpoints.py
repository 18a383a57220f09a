"""Failpoints: where a test can kill a process, and that nobody else meets one."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from swarm import failpoints

FILES = """
import os, pathlib
import swarm.failpoints
folder = pathlib.Path("made")
"""
# One change of a file a line, each with what it is called; reading is no point.
CHANGES = {
    "folder.mkdir()": "folder.make",
    "(folder / 'new').write_text('text')": "file.open",
    "os.close(os.open(folder / 'exclusive', os.O_RDWR | os.O_CREAT | os.O_EXCL))": "file.open",
    "open(folder / 'new', 'a').close()": "file.open",
    "(folder / 'new').rename(folder / 'renamed')": "file.rename",
    "os.replace(folder / 'renamed', folder / 'new')": "file.rename",
    "(folder / 'new').chmod(0o600)": "file.chmod",
    "os.truncate(folder / 'new', 0)": "file.truncate",
    "(folder / 'link').symlink_to('new')": "file.symlink",
    "(folder / 'hard').hardlink_to(folder / 'new')": "file.link",
    "(folder / 'link').unlink()": "file.remove",
    "(folder / 'empty').mkdir()": "folder.make",
    "(folder / 'empty').rmdir()": "folder.remove",
    "open(os.devnull, 'w').close()": None,
    "(folder / 'new').read_bytes()": None,
    "os.close(os.open(folder / 'new', os.O_RDONLY))": None,
    "list(folder.iterdir()), (folder / 'new').stat(), (folder / 'none').exists()": None,
}
PASSES = """
from swarm import failpoints
for name in ("one", "two", "one", "three", "one"):
    failpoints.failpoint(name)
    print(name, flush=True)
"""


def python(folder: Path, program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder."""
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, "0 True"), ({"SWARM_FAILPOINT": "nowhere"}, "1 False"), ({"SWARM_FAILPOINT_LOG": "log"}, "1 False")],
)
def test_unset_they_are_empty_functions_and_nothing_is_watched(
    tmp_path: Path, environment: dict[str, str], expected: str
) -> None:
    program = """
import sys
hooks = []
sys.addaudithook = hooks.append
from swarm import failpoints
from swarm.git import runner
from swarm.store import connection, migrations
assert runner.failpoint is connection.failpoint is migrations.failpoint is failpoints.failpoint
print(len(hooks), failpoints.failpoint is failpoints._pass_by)
"""
    done = python(tmp_path, program, **environment)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, expected, "")


@pytest.mark.parametrize(
    ("point", "passed"),
    [
        ("one", []),
        ("two", ["one"]),
        ("one:2", ["one", "two"]),
        ("one:3", ["one", "two", "one", "three"]),
        ("three", ["one", "two", "one"]),
    ],
)
def test_a_named_one_kills_at_that_passing_of_it(tmp_path: Path, point: str, passed: list[str]) -> None:
    done = python(tmp_path, PASSES, SWARM_FAILPOINT=point)
    assert (done.returncode, done.stdout.split()) == (-9, passed)


@pytest.mark.parametrize("point", ["one:4", "four"])
def test_one_that_is_not_reached_kills_nobody(tmp_path: Path, point: str) -> None:
    done = python(tmp_path, PASSES, SWARM_FAILPOINT=point)
    assert (done.returncode, len(done.stdout.split())) == (0, 5)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_the_star_counts_every_point(tmp_path: Path, count: int) -> None:
    done = python(tmp_path, PASSES, SWARM_FAILPOINT=f"*:{count}")
    assert (done.returncode, done.stdout.split()) == (-9, ["one", "two", "one", "three"][: count - 1])


def test_the_log_names_what_was_passed_and_the_point_that_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    whole = python(tmp_path, PASSES, SWARM_FAILPOINT_LOG=str(log))
    assert (whole.returncode, log.read_text().split()) == (0, ["one", "two", "one", "three", "one"])
    log.unlink()
    killed = python(tmp_path, PASSES, SWARM_FAILPOINT="three", SWARM_FAILPOINT_LOG=str(log))
    assert (killed.returncode, log.read_text().split()) == (-9, ["one", "two", "one", "three"])


def test_each_change_of_a_file_is_a_point_and_reading_none(tmp_path: Path) -> None:
    log = tmp_path / "log"
    done = python(tmp_path, FILES + "\n".join(CHANGES), SWARM_FAILPOINT_LOG=str(log))
    assert (done.returncode, done.stderr) == (0, "")
    assert log.read_text().split() == [name for name in CHANGES.values() if name is not None]


def test_the_bytecode_that_the_first_import_writes_is_no_point(tmp_path: Path) -> None:
    (tmp_path / "fresh.py").write_text("")
    program = "import pathlib\nimport swarm.failpoints\nimport fresh\npathlib.Path('made').mkdir()"
    log = tmp_path / "log"
    done = python(tmp_path, program, SWARM_FAILPOINT_LOG=str(log), PYTHONDONTWRITEBYTECODE="")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "__pycache__").is_dir()
    assert log.read_text().split() == ["folder.make"]


def test_a_change_is_killed_just_before_it_is_made(tmp_path: Path) -> None:
    done = python(tmp_path, FILES + "\n".join(CHANGES), SWARM_FAILPOINT="file.rename:2")
    assert done.returncode == -9
    assert sorted(file.name for file in (tmp_path / "made").iterdir()) == ["exclusive", "renamed"]


def test_a_child_is_a_point_before_it_starts(tmp_path: Path) -> None:
    program = "import subprocess, swarm.failpoints\nsubprocess.run(['touch', 'mark'])"
    done = python(tmp_path, program, SWARM_FAILPOINT="process.start")
    assert (done.returncode, (tmp_path / "mark").exists()) == (-9, False)


def test_they_stand_at_the_doors_alone() -> None:
    """Nothing that lasts changes between two doors: a kill there is a kill at the next door."""
    package = Path(failpoints.__file__).parent
    text = {
        file.relative_to(package).as_posix(): re.findall(r'failpoint\(f?"(.*)"\)', file.read_text())
        for file in package.rglob("*.py")
        if file != Path(failpoints.__file__) and "failpoint" in file.read_text()
    }
    commits = ["commit.before", "commit.after"]
    assert text == {
        "git/runner.py": ["git.{verb}.before", "git.{verb}.after"],
        "store/connection.py": commits,
        "store/migrations.py": commits,
        # An index of records lags behind until the next door.
        "evidence/records/ingest.py": ["record.kept"],
        # The engine is another program: what it keeps lasts, and no door of ours sees it.
        "engine/link.py": ["engine.keep.before", "engine.keep.after", "engine.acknowledge.before"],
        # All orders are with the engine.
        "waves/hosts/awaiting.py": ["ordered"],
    }
