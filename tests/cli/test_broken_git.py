"""A broken git or repository, met by a verb of each kind: reported, nothing lost, and the verb can be called again."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from swarm.git import runner
from tests.cli.scenes.broken_things import EVERY, READING, WRITING, Act, World, Worlds, each, refused
from tests.conftest import SOURCE, Repo

pytestmark = pytest.mark.sweep

BY_NAME = {act.verb: act for act in EVERY}
# Verbs that need no git, and so none that works.
WITHOUT_GIT = {"status", "findings", "approve", "advance"}
NEEDING_GIT = [act for act in EVERY if act.verb not in WITHOUT_GIT]
# The user's own checkout and branch; the index is looked at by what git says of it.
OWN = ("README.md", "src/app.py", ".git/HEAD", ".git/refs/heads/main")
# Where the repository cannot be read, the check itself could not run.
EXITS = {"verify": 2}


@pytest.fixture
def repo(worlds: Worlds) -> Repo:
    return worlds.repo


def own(here: World) -> dict[str, object]:
    files = {name: what for name, what in here.everything().items() if name in OWN}
    return files | {"status": here.team.repo.git("status", "--porcelain")}


# --- locks ------------------------------------------------------------------------------------------------

# Where a git that was killed leaves one, by the verb whose git meets it. The others do not mind it.
LOCKED = {
    "merge": ["refs/heads/swarm/HEX/w2-code", "refs/heads/swarm/HEX/integration"],
    "publish": ["index", "HEAD", "refs/heads/main", "refs/heads/swarm/HEX/w2-code"],
    "clean": ["packed-refs", "refs/heads/swarm/HEX/w2-code"],
    "rewind": ["index", "HEAD", "refs/heads/main"],
    "undo": ["refs/heads/swarm/HEX/w2-code"],
}
NAMES = ["index", "HEAD", "packed-refs", "config", "shallow", "refs/heads/main", "worktrees/w2-code/index"]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait for a lock that stays."""
    waits = ("core.filesRefLockTimeout=", "core.packedRefsTimeout=")
    found = (next((f"{wait}0" for wait in waits if word.startswith(wait)), word) for word in runner._HARDENED)
    monkeypatch.setattr(runner, "_HARDENED", tuple(found))
    monkeypatch.setattr(runner, "_PAUSES", ())


def put_lock(here: World, name: str) -> Path:
    lock = here.root / ".git" / f"{name.replace('HEX', here.team.hex)}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    return lock


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("verb", "name"), [(verb, name) for verb, names in LOCKED.items() for name in names])
def test_a_lock_in_the_way_is_named_and_the_verb_works_when_it_was_removed(
    world: Callable[[Act], World], verb: str, name: str
) -> None:
    act = BY_NAME[verb]
    here = world(act)
    before = own(here)
    lock = put_lock(here, name)
    answer = here.call(act)
    refused(answer, "GIT_LOCKED")
    assert str(lock) in answer.err
    assert own(here) == before
    lock.unlink()
    here.works(act)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.soak) for name in NAMES])
@each(EVERY)
def test_a_lock_that_is_in_nobody_s_way_is_not_minded(world: Callable[[Act], World], act: Act, name: str) -> None:
    if name in LOCKED.get(act.verb, []):
        pytest.skip("it is in the way of this verb")
    here = world(act)
    if not (here.root / ".git" / name).parent.is_dir():
        pytest.skip("there is no such worktree")
    lock = put_lock(here, name)
    assert here.call(act).exit == act.exit
    lock.unlink(missing_ok=True)
    here.is_done(act)


@pytest.mark.usefixtures("impatient")
def test_doctor_names_the_lock_and_what_the_hint_says_about_it_helps(world: Callable[[Act], World]) -> None:
    here = world(BY_NAME["publish"])
    lock = put_lock(here, "index")
    assert (
        "removes the lock if swarm had started that git, else remove the file by hand"
        in here.call(BY_NAME["publish"]).err
    )
    data = here.team.swarm("doctor", "--fix", "--format", "json", exit=None).data
    assert [item["what"] for item in data["left"] if item["id"] == "locks"] == [f"{lock} keeps git from writing there"]


# --- the program ------------------------------------------------------------------------------------------

PASSED_ON = """#!/bin/sh
for word do
  if [ "$skip" ]; then skip=; continue; fi
  case "$word" in -c) skip=1 ;; *) break ;; esac
done
case "$word" in {when}) {do} ;; esac
exec {git} "$@"
"""


Played = Callable[[str, str], AbstractContextManager[None]]


@pytest.fixture
def played(tmp_path: Path) -> Played:
    """`with played(when, do)`: a git that does something else for a subcommand, first on PATH."""
    git, folder = shutil.which("git"), tmp_path / "bin"
    folder.mkdir()

    @contextmanager
    def play(when: str, do: str) -> Iterator[None]:
        program = folder / "git"
        program.write_text(PASSED_ON.format(when=when, do=do, git=git))
        program.chmod(0o755)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
            yield

    return play


FAILS = "echo 'fatal: played' >&2; exit 128"
# Every subcommand that some verb calls; those of one verb alone, or of the way to each, are always tried.
CALLED = [
    *("rev-parse", "ls-tree", "update-ref", "worktree", "merge-tree"),
    *(
        pytest.param(name, marks=pytest.mark.soak)
        for name in (
            *("cat-file", "commit-tree", "config", "diff", "diff-files", "diff-index", "diff-tree", "for-each-ref"),
            *("hash-object", "log", "ls-files", "merge-base", "read-tree", "reset", "rev-list", "show-ref", "status"),
            *("symbolic-ref", "update-index", "write-tree"),
        )
    ),
]


@pytest.mark.parametrize("subcommand", CALLED)
@each(NEEDING_GIT)
def test_a_git_that_fails_is_reported_and_continued(
    world: Callable[[Act], World], act: Act, subcommand: str, played: Played, tmp_path: Path
) -> None:
    here = world(act)
    with played(subcommand, f"touch {tmp_path}/called; {FAILS}"):
        answer = here.call(act)
    if answer.exit == act.exit and answer.code is None:
        here.is_done(act)
        return
    assert (tmp_path / "called").exists()
    if answer.code is not None:
        refused(answer, exit=EXITS.get(act.verb))
    # Published or not, the checkout is one of the two, and whole.
    assert here.team.repo.git("status", "--porcelain") == ""
    here.works(act)


@each([act for act in EVERY if act.verb in {"init", "dispatch", "launch", "collect"}])
def test_a_git_that_never_answers_is_ended_at_the_deadline(
    world: Callable[[Act], World], act: Act, played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world(act)
    before = here.everything()
    with monkeypatch.context() as patch, played("ls-tree", "exec sleep 60"):
        patch.setattr(runner, "DEADLINE_SECONDS", 0.5)
        answer = here.call(act)
    refused(answer, "GIT_FAILED")
    assert "no answer within" in answer.err
    here.is_as(before)
    here.works(act)


@pytest.mark.parametrize("how", ["missing", "not executable", "no program"])
@each(EVERY)
def test_without_git_the_verbs_that_need_it_say_so_and_the_others_work(
    world: Callable[[Act], World], act: Act, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world(act)
    before, folder = here.everything(), tmp_path / "bin"
    folder.mkdir()
    if how != "missing":
        (folder / "git").write_text("neither a script nor a program")
        (folder / "git").chmod(0o755 if how == "no program" else 0o644)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(folder))
        answer = here.call(act)
    if act.verb in WITHOUT_GIT:
        assert (answer.exit, answer.code) == (act.exit, None)
        here.is_done(act) if act not in READING else here.is_as(before)
        return
    refused(answer, "GIT_MISSING")
    here.is_as(before)
    here.works(act)


def test_a_git_that_is_too_old_is_named_by_doctor(world: Callable[[Act], World], played: Played) -> None:
    here = world(READING[0])
    with played("--version", "echo 'git version 2.30.0'; exit 0"):
        checks = here.team.swarm("doctor", "--format", "json", exit=1).data["checks"]
    found = next(check for check in checks if check["id"] == "git")
    assert found == {
        "id": "git",
        "status": "fail",
        "message": "git 2.30.0 is too old",
        "hint": "install git 2.38 or newer",
    }


# --- the place --------------------------------------------------------------------------------------------


def hide(name: str) -> Callable[[World, Path], None]:
    return lambda here, aside: (here.root / name).rename(aside) and None


def gone(here: World, aside: Path) -> None:
    here.root.rename(aside)


def another_in_its_place(here: World, aside: Path) -> None:
    here.root.rename(aside)
    here.root.mkdir()
    other = Repo(here.root)
    other.git("init", "-q", "-b", "main", "--template=")
    other.commit({**SOURCE, "other.txt": "another project\n"})


# What happens to the repository, and the code that tells it.
PLACES: dict[str, tuple[Callable[[World, Path], None], str]] = {
    "gone": (gone, "REPO_NOT_FOUND"),
    "another in its place": (another_in_its_place, "REPO_NOT_FOUND"),
    "without .git": (hide(".git"), "REPO_NOT_GIT"),
    "without HEAD": (hide(".git/HEAD"), "REPO_NOT_GIT"),
    "without objects": (hide(".git/objects"), "REPO_NOT_GIT"),
}


@pytest.mark.parametrize("place", PLACES)
@each([act for act in NEEDING_GIT if act.verb not in {"init", "rewind"}])
def test_a_repository_that_is_not_there_is_reported_and_worked_with_when_it_is_back(
    world: Callable[[Act], World], act: Act, place: str, tmp_path: Path
) -> None:
    here, (break_it, code) = world(act), PLACES[place]
    before = here.everything()
    shutil.copytree(here.db.parent, tmp_path / "swarms", symlinks=True)
    aside = tmp_path / "aside"
    break_it(here, aside)
    is_whole = place in {"gone", "another in its place"}
    where = tmp_path / "swarms" if is_whole else here.db.parent
    words = ("--db", str(where / here.db.name), *here.words(act))
    answer = here.team.swarm(*words, exit=None, cwd=tmp_path)
    refused(answer, code, exit=EXITS.get(act.verb))
    if is_whole:
        shutil.rmtree(here.root, ignore_errors=True)
        aside.rename(here.root)
        assert (tmp_path / "swarms" / here.db.name).read_bytes() == here.db.read_bytes()
    else:
        missing = next(name for name in (".git", ".git/HEAD", ".git/objects") if not (here.root / name).exists())
        aside.rename(here.root / missing)
    here.is_as(before)
    here.stands(act)


MOVED = ("launch", "collect", "undo", "rewind")


@pytest.mark.parametrize("verb", MOVED)
def test_a_moved_repository_is_reported_and_the_link_that_the_hint_names_helps(
    world: Callable[[Act], World], verb: str
) -> None:
    act = BY_NAME[verb]
    here = world(act)
    before, moved = here.everything(), here.root.with_name("moved")
    here.root.rename(moved)
    try:
        answer = here.team.swarm(*here.words(act), exit=None, cwd=moved)
        refused(answer, "REWIND_REFUSED" if verb == "rewind" else "WORKSPACE_MOVED")
        assert f"`ln -s '{moved}' '{here.root}'`" in answer.err
        assert not here.root.exists()
        here.root.symlink_to(moved)
        here.is_as(before)
        assert here.team.swarm(*here.words(act), exit=None, cwd=moved).exit == act.exit
        here.is_done(act)
    finally:
        here.root.unlink(missing_ok=True)
        moved.rename(here.root)


@each([act for act in WRITING if act.verb not in {*MOVED, "clean"}])
def test_in_a_moved_repository_the_other_verbs_work_as_before(world: Callable[[Act], World], act: Act) -> None:
    here, moved = world(act), None
    moved = here.root.with_name("moved")
    here.root.rename(moved)
    try:
        answer = here.team.swarm(*here.words(act), exit=None, cwd=moved)
        assert (answer.exit, answer.code) == (act.exit, None)
        assert not here.root.exists()
    finally:
        moved.rename(here.root)
    here.is_sound()
