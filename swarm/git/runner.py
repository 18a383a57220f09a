"""The one way to run git: argument lists, a fixed environment, and nothing that an agent could have planted.

Hooks, fsmonitor, external diffs, text conversion and every configured filter are off; system and user
configuration is not read, nor are replacement objects. No shell, no prompt, a deadline.
"""

import os
import re
import subprocess
from pathlib import Path
from typing import IO, Final

from swarm import errors
from swarm.failpoints import failpoint

DEADLINE_SECONDS: Final = 600.0
OLDEST: Final = (2, 38)
_HARDENED: Final = (
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.quotePath=true",
    "-c",
    "core.trustctime=true",
    "-c",
    "core.checkStat=default",
    "-c",
    "core.pager=cat",
    "-c",
    "core.excludesFile=/dev/null",
    "-c",
    "core.sparseCheckout=false",
    "-c",
    "diff.external=",
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
    "-c",
    "submodule.recurse=false",
    "-c",
    "protocol.allow=never",
    "-c",
    "safe.directory=*",
    "-c",
    "advice.detachedHead=false",
)
_SPARSE: Final = ("-c", "core.sparseCheckout=true")
_FIXED: Final = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_LAZY_FETCH": "1",
}
_FILTER_PROGRAMS: Final = ("clean", "smudge", "process")
_FILTER_KEY: Final = re.compile(r"filter\.(.*)\.(?:clean|smudge|process|required)", re.DOTALL)


class GitError(Exception):
    """git ended with an exit code that the caller did not expect; `stderr` holds its words."""

    def __init__(self, arguments: tuple[str, ...], code: int, stderr: str, folder: Path) -> None:
        self.arguments = arguments
        self.code = code
        self.stderr = stderr
        self.folder = folder
        super().__init__(f"git {arguments[0]} exited {code}: {stderr}")

    def typed(self) -> errors.GitFailed:
        """Return the error of the catalogue that tells this."""
        problem = self.stderr or f"exit code {self.code}"
        return errors.GitFailed(verb=self.arguments[0], problem=problem, path=str(self.folder))


class Git:
    """git in one folder. With `git_dir`, that is believed, and not the `.git` that lies in the folder."""

    def __init__(self, folder: Path, *, git_dir: Path | None = None, index: Path | None = None) -> None:
        self.folder = folder
        self._environment = environment()
        if git_dir is not None:
            self._environment |= {"GIT_DIR": str(git_dir), "GIT_WORK_TREE": str(folder)}
        if index is not None:
            self._environment["GIT_INDEX_FILE"] = str(index)
        self._filters_off: dict[str, str] | None = None

    def run(
        self,
        *arguments: str | bytes,
        stdin: bytes | None = None,
        expect: tuple[int, ...] = (0,),
        filters: bool = False,
        sparse: bool = False,
        environment: dict[str, str] | None = None,
    ) -> bytes:
        """Run one git command and return its stdout. `filters` says that it may read or write work tree files.

        With `sparse` it follows a sparse-checkout file, which only the user's own checkout may do.
        Raises GitError for an exit code that is not expected, GitMissing, and GitFailed past the deadline.
        """
        return self.answer(
            *arguments, stdin=stdin, expect=expect, filters=filters, sparse=sparse, environment=environment
        )[1]

    def answer(
        self,
        *arguments: str | bytes,
        stdin: bytes | None = None,
        expect: tuple[int, ...] = (0,),
        filters: bool = False,
        sparse: bool = False,
        environment: dict[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """Run one git command and return its exit code and its stdout."""
        named = tuple(os.fsdecode(argument) for argument in arguments)
        off = self._neutral_filters() if filters else {}
        failpoint(f"git.{named[0]}.before")
        try:
            done = subprocess.run(
                ["git", *_HARDENED, *(_SPARSE if sparse else ()), *arguments],
                cwd=self.folder,
                env=self._environment | off | (environment or {}),
                input=stdin,
                stdin=subprocess.DEVNULL if stdin is None else None,
                capture_output=True,
                timeout=DEADLINE_SECONDS,
                check=False,
            )
        except FileNotFoundError as error:
            if error.filename != "git":
                raise errors.RepoNotFound(path=str(self.folder)) from error
            raise errors.GitMissing from error
        except NotADirectoryError as error:
            raise errors.RepoNotFound(path=str(self.folder)) from error
        except subprocess.TimeoutExpired as error:
            problem = f"no answer within {DEADLINE_SECONDS:.0f} s"
            raise errors.GitFailed(verb=named[0], problem=problem, path=str(self.folder)) from error
        failpoint(f"git.{named[0]}.after")
        if done.returncode not in expect:
            words = " ".join(done.stderr.decode("utf-8", "replace").split())
            raise GitError(named, done.returncode, words, self.folder)
        return done.returncode, done.stdout

    def text(self, *arguments: str) -> str:
        """Run one git command and return its stdout as text, without the last newline."""
        return self.run(*arguments).decode("utf-8", "surrogateescape").removesuffix("\n")

    def stream(self, *arguments: str, stdin: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start a git command that reads an open file and answers on its stdout."""
        return subprocess.Popen(
            ["git", *_HARDENED, *arguments],
            cwd=self.folder,
            env=self._environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def _neutral_filters(self) -> dict[str, str]:
        if self._filters_off is None:
            _, listed = self.answer("config", "--name-only", "-z", "--get-regexp", r"^filter\.", expect=(0, 1))
            keys = (key.decode("utf-8", "surrogateescape") for key in listed.split(b"\0"))
            drivers = sorted({found[1] for key in keys if (found := _FILTER_KEY.fullmatch(key))})
            # Not by `-c`, which would take a driver's name to end at its first `=`.
            settings = [(f"filter.{driver}.{part}", "") for driver in drivers for part in _FILTER_PROGRAMS]
            settings += [(f"filter.{driver}.required", "false") for driver in drivers]
            self._filters_off = {"GIT_CONFIG_COUNT": str(len(settings))}
            for number, (key, value) in enumerate(settings):
                self._filters_off |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return self._filters_off


def environment() -> dict[str, str]:
    """Return our environment without `GIT_*`, with what every call of ours fixes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**kept, **_FIXED}


def version() -> tuple[int, ...]:
    """Return git's version as numbers."""
    words = Git(Path("/")).text("--version")
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", words)
    return tuple(int(part) for part in found.groups("0")) if found else (0,)
