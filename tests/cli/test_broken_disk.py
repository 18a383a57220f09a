"""A disk that is full or read-only, met by a verb of each kind: a typed error, nothing lost, and the next call works.

Where a small disk can be mounted, it lies under the whole repository; everywhere else, and there too, a limit on the
size of files does in its place.
"""

import os
import random
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.scenes.broken_things import READING, WRITING, Act, World, Worlds, each, refused
from tests.cli.test_broken_database import killed_in_a_transaction
from tests.conftest import Repo

pytestmark = pytest.mark.sweep

FULL = ("CONTROL_PLANE_WRITE_FAILED", "WORKSPACE_NOT_WRITABLE", "ISOLATION_FAILED", "REWIND_STATE_SPLIT")
READ_ONLY = ("CONTROL_PLANE_READ_ONLY", "WORKSPACE_NOT_WRITABLE")
PLENTY = "size=64m,nr_inodes=100000"
# What the next call begins with: work that was saved, what a build printed, the note of a save point that was begun.
KEPT = {
    "collect": r"\.git/refs/swarm/work/",
    "verify": r"swarms/[^/]+/proofs",
    "init": r"swarms/control-plane\.db$|\.git/refs/tags/",
}
# These keep what they have done in steps, and go on from there.
IN_STEPS = {"launch", "merge", "publish", "clean", "rewind", "undo"}


@pytest.fixture
def repo(worlds: Worlds) -> Repo:
    return worlds.repo


class Disk:
    """A small disk that holds the repository and nothing else."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def leave(self, free: int) -> None:
        """Have this many bytes free."""
        stat = os.statvfs(self._root)
        self.remount(f"size={(stat.f_blocks - stat.f_bfree) * stat.f_frsize + free}")

    def leave_files(self, count: int) -> None:
        """Have room for this many more files."""
        stat = os.statvfs(self._root)
        self.remount(f"nr_inodes={stat.f_files - stat.f_ffree + count}")

    def remount(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(self._root)], check=True)


@pytest.fixture
def disk() -> Iterator[Callable[[World], Disk]]:
    """`disk(world)`: move a world to a disk of its own, until the test ends."""
    mounted: list[Path] = []

    def mount(world: World) -> Disk:
        aside = world.root.with_name("aside")
        world.root.rename(aside)
        world.root.mkdir()
        asked = ["mount", "-t", "tmpfs", "-o", PLENTY, "tmpfs", str(world.root)]
        if not shutil.which("mount") or subprocess.run(asked, capture_output=True, check=False).returncode:
            world.root.rmdir()
            aside.rename(world.root)
            pytest.skip("no disk can be mounted here")
        mounted.append(world.root)
        shutil.copytree(aside, world.root, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(aside)
        return Disk(world.root)

    yield mount
    # A process that stands in it would keep it.
    os.chdir("/")
    for root in mounted:
        subprocess.run(["umount", str(root)], check=True)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let no file grow beyond a size, neither ours nor git's."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fails_and_then_works(here: World, act: Act, break_it: Callable[[], None], mend: Callable[[], None]) -> None:
    """See a verb refused where there is no room for all that it writes, lose nothing, and work once there is."""
    before = here.everything()
    break_it()
    try:
        answer = here.call(act)
    finally:
        mend()
    if answer.exit == act.exit and answer.code is None:
        here.is_done(act)
        return
    refused(answer, *FULL)
    # What SQLite could not take back without room, the next call does.
    here.team.swarm("status", here.team.run)
    if act.verb not in IN_STEPS:
        here.is_as(before, but=KEPT.get(act.verb, ""))
    here.works(act)


def sweep(sizes: list[int]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("free", sizes, ids=lambda size: f"{size // 1024}KiB")


@sweep([0, 16 << 10])
@each(WRITING)
def test_a_verb_on_a_full_disk_loses_nothing_and_works_when_there_is_room(
    world: Callable[[Act], World], disk: Callable[[World], Disk], act: Act, free: int
) -> None:
    here = world(act)
    small = disk(here)
    fails_and_then_works(here, act, lambda: small.leave(free), lambda: small.remount(PLENTY))


@pytest.mark.soak
@sweep([size << 10 for size in (4, 8, 12, 20, 24, 28, 32, 40, 48, 56, 64, 72, 80, 96, 112, 128, 160, 256, 1024)])
@each(WRITING)
def test_a_verb_on_a_disk_that_fills_up_at_any_moment_does_the_same(
    world: Callable[[Act], World], disk: Callable[[World], Disk], act: Act, free: int
) -> None:
    here = world(act)
    small = disk(here)
    fails_and_then_works(here, act, lambda: small.leave(free), lambda: small.remount(PLENTY))


@pytest.mark.parametrize("files", [0, pytest.param(1, marks=pytest.mark.soak), pytest.param(3, marks=pytest.mark.soak)])
@each(WRITING)
def test_a_verb_on_a_disk_without_room_for_a_file_does_the_same(
    world: Callable[[Act], World], disk: Callable[[World], Disk], act: Act, files: int
) -> None:
    here = world(act)
    small = disk(here)
    fails_and_then_works(here, act, lambda: small.leave_files(files), lambda: small.remount(PLENTY))


@pytest.mark.parametrize("size", [1, 4 << 10, 64 << 10])
@each(WRITING)
def test_a_verb_whose_files_may_not_grow_does_the_same(world: Callable[[Act], World], act: Act, size: int) -> None:
    here, limit = world(act), files_of_at_most(size)
    fails_and_then_works(here, act, limit.__enter__, lambda: limit.__exit__(None, None, None))


@each(WRITING)
def test_a_verb_on_a_read_only_disk_is_refused_and_works_when_it_can_be_written(
    world: Callable[[Act], World], disk: Callable[[World], Disk], act: Act
) -> None:
    here = world(act)
    small, before = disk(here), here.everything()
    small.remount("ro")
    answer = here.call(act)
    small.remount("rw")
    refused(answer, *READ_ONLY)
    here.is_as(before)
    here.works(act)


@pytest.mark.parametrize("how", ["ro", "full"])
@each(READING)
def test_a_verb_that_only_reads_needs_no_room(
    world: Callable[[Act], World], disk: Callable[[World], Disk], act: Act, how: str
) -> None:
    here = world(act)
    small, before = disk(here), here.everything()
    small.remount("ro") if how == "ro" else small.leave(0)
    answer = here.call(act)
    small.remount("rw")
    assert (answer.exit, answer.code) == (act.exit, None)
    here.is_as(before)


@each((*READING, *WRITING[1:6]))
def test_a_dead_writer_s_half_on_a_read_only_disk_is_reported_and_taken_back_when_it_can_be_written(
    world: Callable[[Act], World], disk: Callable[[World], Disk], act: Act
) -> None:
    here = world(act)
    small = disk(here)
    killed_in_a_transaction(here.db)
    before = here.everything()
    small.remount("ro")
    answer = here.call(act)
    small.remount("rw")
    refused(answer, "CONTROL_PLANE_READ_ONLY")
    here.is_as(before)
    here.works(act)


# --- a checkout whose disk is full while the workspace's is not -------------------------------------------


@pytest.mark.parametrize("free", [0, 64 << 10, 512 << 10])
def test_publishing_into_a_full_checkout_leaves_it_as_it_was(
    world: Callable[[Act], World], disk: Callable[[World], Disk], monkeypatch: pytest.MonkeyPatch, free: int
) -> None:
    publish = Act("publish", "answered", ("merge", "RUN", "--publish"))
    here = world(Act("collect", "answered", ("collect", "RUN")))
    here.team.edit("code", {"src/large.bin": random.Random(1).randbytes(1 << 20)})
    here.team.swarm("collect", here.team.run)
    here.team.swarm("merge", here.team.run)
    small = disk(here)
    before = _checkout(here)
    small.leave(free)
    answer = here.call(publish)
    small.remount(PLENTY)
    refused(answer, *FULL)
    assert (_checkout(here), here.team.repo.git("status", "--porcelain")) == (before, "")
    assert here.call(publish).exit == 0
    assert (here.root / "src/large.bin").stat().st_size == 1 << 20
    here.is_sound()


def _checkout(here: World) -> dict[str, object]:
    return {name: what for name, what in here.everything().items() if not name.startswith(("swarms", ".git"))}
