"""Calling `swarm` from many places at once: real processes, each answer read, timed and held to the catalogue."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, NoReturn

DEADLINE = 300.0
ROOM = 3 * 10**9
# What git, SQLite and Python say when nobody translated it.
_RAW = re.compile(
    r"Traceback \(most|database is locked|database table is locked|Unable to create '|cannot lock ref|could not lock"
    r"|unable to (?:write|create|update|resolve)|index\.lock|already locked"
)


class Answer(NamedTuple):
    """Result of one process. A negative exit is the signal that ended it."""

    argv: tuple[str, ...]
    exit: int
    out: str
    err: str
    seconds: float

    @property
    def document(self) -> dict[str, Any]:
        try:
            found = json.loads(self.out)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def data(self) -> Any:
        return self.document.get("data")

    @property
    def is_done(self) -> bool:
        return bool(self.document.get("ok"))

    @property
    def code(self) -> str | None:
        """The code of the catalogue, of a refused call."""
        return self.document.get("error", {}).get("code")

    @property
    def problem(self) -> str | None:
        """Output that no user should ever see, `None` for a proper answer."""
        if self.exit == -signal.SIGABRT:
            return "no answer within the deadline"
        if self.exit < 0:
            return f"ended by signal {-self.exit}"
        if found := _RAW.search(self.out + self.err):
            return f"raw words: {found[0]}"
        if not self.document:
            return f"no document on stdout, exit {self.exit}"
        if not self.is_done and not self.code:
            return "an error without a code"
        return None

    def __str__(self) -> str:
        return f"swarm {' '.join(self.argv)}: exit {self.exit}: {(self.out + self.err)[-2000:]}"


def environment(folder: Path) -> dict[str, str]:
    """Return our environment as a user's would be, with a folder of our own for temporary files."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PYTHON", "SWARM_"))}
    person = {"GIT_AUTHOR_NAME": "A Person", "GIT_AUTHOR_EMAIL": "person@example.invalid"}
    person |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in person.items()}
    (folder / "tmp").mkdir(exist_ok=True)
    ours = {
        "TMPDIR": str(folder / "tmp"),
        "HOME": str(folder),
        "PYTHONFAULTHANDLER": "1",
        "SWARM_LOG": "off",
        "SWARM_TRUST": "1",
    }
    ours["PYTHONPATH"] = str(Path(__file__).parents[1])
    return {**kept, **person, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **ours}


def git(root: Path, *arguments: str, expect: tuple[int, ...] = (0,)) -> str:
    """Run git as its user does, and return its stdout."""
    done = subprocess.run(
        ["git", *arguments], cwd=root, env=environment(root.parent), capture_output=True, text=True, check=False
    )
    if done.returncode not in expect:
        raise SystemExit(f"git {arguments} exited {done.returncode}: {done.stderr}")
    return done.stdout


def call(root: Path, *arguments: str) -> Answer:
    """Run one verb as a process of its own, in a repository, and return its answer."""
    argv = (*map(str, arguments), "--format", "json")
    began = time.perf_counter()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "swarm", *argv],
            cwd=root,
            env=environment(root.parent),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
        try:
            process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            # The fault handler tells where it stood.
            process.send_signal(signal.SIGABRT)
            process.wait()
        return Answer(argv, process.returncode, read(out), read(err), time.perf_counter() - began)


def swarm(root: Path, *arguments: str) -> Any:
    """Run a verb that must work, and return its data."""
    answer = call(root, *arguments)
    if not answer.is_done:
        raise SystemExit(str(answer))
    return answer.data


def together(root: Path, calls: Sequence[Sequence[str]], *, last: Path | None = None) -> list[Answer]:
    """Run these verbs at the same moment, a process each, and return their answers in the same order.

    The processes are forked with everything imported and stand at a gate: what they race for is the work, not the
    start of the interpreter. `last` is a file that is written when all but one have ended.
    """
    import_all()
    sys.stdout.flush()
    gate, opens = os.pipe()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="answers-", dir=root.parent) as folder:
        racers = {}
        for number, arguments in enumerate(calls):
            pid = os.fork()
            if pid == 0:
                os.close(opens)
                _race(root, [*map(str, arguments), "--format", "json"], gate, Path(folder) / str(number))
            racers[pid] = number
        os.close(gate)
        os.close(opens)
        ended = _await(racers, began + DEADLINE, last)
        return [
            Answer(
                (*map(str, arguments), "--format", "json"),
                ended[number],
                (Path(folder) / f"{number}.out").read_text("utf-8", "replace"),
                (Path(folder) / f"{number}.err").read_text("utf-8", "replace"),
                time.perf_counter() - began,
            )
            for number, arguments in enumerate(calls)
        ]


def _await(racers: Mapping[int, int], deadline: float, last: Path | None) -> dict[int, int]:
    left = dict(racers)
    try:
        return _ended(left, deadline, last)
    finally:
        # Told to end: nobody goes on in a folder that is about to be removed.
        for pid in left:
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)


def _ended(left: dict[int, int], deadline: float, last: Path | None) -> dict[int, int]:
    ended: dict[int, int] = {}
    while left:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid in left:
            ended[left.pop(pid)] = os.waitstatus_to_exitcode(status)
        elif time.perf_counter() > deadline:
            for item in left:
                os.kill(item, signal.SIGABRT)
            deadline += DEADLINE
        else:
            time.sleep(0.002)
        if last is not None and len(left) == 1:
            last.touch()
    return ended


def _race(root: Path, argv: list[str], gate: int, answer: Path) -> NoReturn:
    found = [os.open(answer.with_suffix(f".{kind}"), os.O_WRONLY | os.O_CREAT, 0o600) for kind in ("out", "err")]
    call_here(root, argv, found, lambda: os.read(gate, 1))


def call_here(root: Path, argv: list[str], outputs: Sequence[int], wait: Callable[[], object]) -> NoReturn:
    """Call a verb in this process, a fork, and end it. `outputs` are open files for stdout and stderr."""
    try:
        os.chdir(root)
        os.environ.clear()
        os.environ.update(environment(root.parent))
        tempfile.tempdir = None
        for descriptor, file in zip((1, 2), outputs, strict=True):
            os.dup2(file, descriptor)
        from swarm.cli import main

        sys.argv = ["swarm", *argv]
        wait()
        code = main.main(argv)
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001 - this process is the racer's, and must not go on as ours
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
        code = 70
    os._exit(code)


def import_all() -> None:
    import gc
    import importlib
    import pkgutil

    if "jsonschema" in sys.modules:
        return
    import swarm as package

    for found in pkgutil.walk_packages(package.__path__, "swarm."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    for name in ("jsonschema", "jsonschema_rs", "wcmatch.glob", "asyncio"):
        importlib.import_module(name)
    # A fork that looks through all of this for garbage would copy each of its pages.
    gc.collect()
    gc.freeze()


def read(file: IO[bytes]) -> str:
    """Return what a process has written into a file that we opened for it."""
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def tell(soak: str, what: str, *, holds: bool, **facts: object) -> bool:
    """Print one figure, and return whether it holds."""
    found = {name: round(fact, 3) if isinstance(fact, float) else fact for name, fact in facts.items()}
    print(json.dumps({"soak": soak, "what": what, "holds": holds, **found}), flush=True)
    return holds


def in_memory() -> str | None:
    """Return a folder in memory, where an fsync costs nothing, if it has room and runs programs.

    `None` without one, and where the caller has chosen a place for temporary files.
    """
    place = "/dev/shm"
    if "TMPDIR" in os.environ or not os.access(place, os.W_OK):
        return None
    facts = os.statvfs(place)
    is_roomy = facts.f_bavail * facts.f_frsize >= ROOM
    return place if is_roomy and not facts.f_flag & os.ST_NOEXEC else None


@contextmanager
def folder() -> Iterator[Path]:
    """Make a temporary folder, and remove it with everything in it, also when we are told to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    made = Path(tempfile.mkdtemp(prefix="swarm-soak-", dir=in_memory())).resolve()
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
