"""The one way to run git: argument lists, a fixed environment, and nothing that an agent could have planted.

Hooks, fsmonitor, external diffs, text conversion and every configured filter are off; system and user
configuration is not read, nor are replacement objects. No shell, no prompt, a deadline.
"""

import os
import re
import shlex
import subprocess
import time
from pathlib import Path
from typing import IO, Final

from swarm import errors
from swarm.failpoints import failpoint
from swarm.git import orphans
from swarm.git.process import completed
from swarm.git.user_view import UserView, filter_drivers, user_view, view_and_drivers, without_programs
from swarm.interruption import postponed
from swarm.search_path import plain_environment

DEADLINE_SECONDS: Final = 600.0
OLDEST: Final = (2, 38)
# How long we stand before a lock that somebody else holds for a moment: they work in the same repository.
PATIENCE_SECONDS: Final = 3.0
_PAUSES: Final = (0.01, 0.02, 0.04, 0.08, *(0.15,) * 19)
_SETTINGS: Final = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.quotePath=true",
    "core.trustctime=true",
    "core.checkStat=default",
    "core.pager=cat",
    "core.excludesFile=/dev/null",
    "core.attributesFile=/dev/null",
    "core.sparseCheckout=false",
    # A copy of a split index lies elsewhere than the rest of it, and git would write new parts into the git folder.
    "core.splitIndex=false",
    "diff.external=",
    f"core.filesRefLockTimeout={PATIENCE_SECONDS * 1000:.0f}",
    f"core.packedRefsTimeout={PATIENCE_SECONDS * 1000:.0f}",
    "gc.auto=0",
    "maintenance.auto=false",
    "submodule.recurse=false",
    "protocol.allow=never",
    "safe.directory=*",
    "advice.detachedHead=false",
)
_HARDENED: Final = tuple(word for setting in _SETTINGS for word in ("-c", setting))
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
    # For git that lacks the variable above. It wins over each `protocol.NAME.allow` of a repository, which would win
    # over the `protocol.allow` of our own.
    "GIT_ALLOW_PROTOCOL": "none",
}
# git's words, which are those of `LC_ALL=C`, for what is no fault of the repository.
_LOCKED: Final = re.compile(r"(?:Unable to create '(.+?\.lock)'|could not lock config file (.+?)): File exists")
_HALF_MADE: Final = re.compile(r"failed to read .+?/worktrees/[^/]+/commondir")
_NO_ROOM: Final = re.compile(
    r"No space left on device|Out of diskspace|[Dd]isk quota exceeded|File too large|Read-only file system"
    r"|Input/output error|couldn't write '|unable to create directory|write error|[Uu]nable to write|could not write"
)
# An object that a partial clone lacks, and that git may not fetch by itself.
_NOT_FETCHED: Final = re.compile(r"from promisor remote|lazy fetching disabled")
# A name may hold an apostrophe, as git's own words do (`couldn't`).
_QUOTED: Final = re.compile(r"(?<!\w)'.*?'(?!\w)|\".*?\"", re.DOTALL)
_MOST_WORDS: Final = 8000  # Bytes: git names files as agents call them, and these patterns cost their square.


class GitError(Exception):
    """git ended with an exit code that the caller did not expect; `stderr` holds its words."""

    def __init__(self, arguments: tuple[str, ...], code: int, stderr: str, folder: Path) -> None:
        self.arguments = arguments
        self.code = code
        self.stderr = stderr
        self.folder = folder
        super().__init__(f"git {arguments[0]} exited {code}: {stderr}")

    @property
    def is_of_disk(self) -> bool:
        """Whether the disk is full, read-only or broken: nothing that is in the repository keeps git from it."""
        # A file may be called like an error.
        return _NO_ROOM.search(_QUOTED.sub("''", self.stderr)) is not None

    @property
    def is_momentary(self) -> bool:
        """Whether the same call may do in a moment: another git has a lock, or is making a worktree.

        For the locks of refs git waits by itself.
        """
        lock = self.lock
        is_locked = lock is not None and "cannot lock ref" not in self.stderr and lock.name != "packed-refs.lock"
        return is_locked or _HALF_MADE.search(self.stderr) is not None

    @property
    def lock(self) -> Path | None:
        """The lock file that was in git's way."""
        found = _LOCKED.search(self.stderr)
        if found is None:
            return None
        return self.folder / (found[1] or f"{found[2]}.lock")

    def typed(self) -> "errors.SwarmError":
        """Return the error of the catalogue that tells this."""
        verb, lock = self.arguments[0], self.lock
        if lock is not None:
            return errors.GitLocked(verb=verb, path=str(lock))
        problem = self.stderr or (f"ended by signal {-self.code}" if self.code < 0 else f"exit code {self.code}")
        if self.is_of_disk:
            return errors.WorkspaceNotWritable(path=str(self.folder), problem=f"git {verb}: {problem}")
        if _NOT_FETCHED.search(self.stderr):
            path = str(self.folder)
            remedy = f"fetch what this partial clone lacks: `git -C {shlex.quote(path)} fetch --refetch --no-filter`"
            return errors.GitBlocked(verb=verb, problem=problem, path=path, remedy=remedy)
        return errors.GitFailed(verb=verb, problem=problem, path=str(self.folder))


class Git:
    """git in one folder. With `git_dir`, that is believed, and not the `.git` that lies in the folder.

    `objects` is a folder that new objects are written to, in place of the repository's own. `view` is how files of a
    work tree are read and written; without one, as the user who runs this process has it by now. `common_dir` is kept
    by `common_dir_of`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        git_dir: Path | None = None,
        index: Path | None = None,
        objects: Path | None = None,
        view: UserView | None = None,
    ) -> None:
        self.folder = folder
        self._view = view
        self._environment = environment(folder)
        if git_dir is not None:
            self._environment |= {"GIT_DIR": str(git_dir), "GIT_WORK_TREE": str(folder)}
        if index is not None:
            self._environment["GIT_INDEX_FILE"] = str(index)
        if objects is not None:
            self._environment["GIT_OBJECT_DIRECTORY"] = str(objects)
        self._filters_off: dict[str, str] | None = None
        self.common_dir: Path | None = None

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
        """Run one git command and return its exit code and its stdout.

        It is tried again for some seconds where another git is in its way, so it must not fail half-done.
        """
        off = self._neutral_filters() if filters else {}
        seen = self.view.options() if filters else ()
        argv = ("git", *_HARDENED, *seen, *(_SPARSE if sparse else ()), *arguments)
        named = tuple(os.fsdecode(argument) for argument in arguments)
        for pause in (*_PAUSES, None):
            done = self._process(argv, named[0], stdin, self._environment | off | (environment or {}))
            if done.returncode in expect:
                break
            words = " ".join(done.stderr[:_MOST_WORDS].decode("utf-8", "replace").split())
            error = GitError(named, done.returncode, words, self.folder)
            if pause is None or not error.is_momentary:
                raise error
            time.sleep(pause)
        return done.returncode, done.stdout

    def _process(
        self, argv: tuple[str | bytes, ...], verb: str, stdin: bytes | None, environment: dict[str, str]
    ) -> subprocess.CompletedProcess[bytes]:
        failpoint(f"git.{verb}.before")
        try:
            with postponed():
                done = completed(
                    argv,
                    cwd=self.folder,
                    env=environment,
                    timeout=DEADLINE_SECONDS,
                    stdin=stdin,
                    # At a limit of a file's size git then sees an error, as we do, and takes its locks back.
                    restore_signals=False,
                    pass_fds=orphans.lent(),
                )
        except FileNotFoundError as error:
            if error.filename != "git":
                raise errors.RepoNotFound(path=str(self.folder)) from error
            raise errors.GitMissing from error
        except NotADirectoryError as error:
            raise errors.RepoNotFound(path=str(self.folder)) from error
        except OSError as error:
            if error.filename != "git":
                raise
            raise errors.GitMissing from error
        except subprocess.TimeoutExpired as error:
            problem = f"no answer within {DEADLINE_SECONDS:.0f} s"
            raise errors.GitFailed(verb=verb, problem=problem, path=str(self.folder)) from error
        failpoint(f"git.{verb}.after")
        return done

    @property
    def view(self) -> UserView:
        """The settings by which git reads and writes the files of the work tree."""
        if self._view is None:
            self._view = user_view(self.folder, self._environment.get("GIT_DIR"))
        return self._view

    def text(self, *arguments: str) -> str:
        """Run one git command and return its stdout as text, without the last newline."""
        return self.run(*arguments).decode("utf-8", "surrogateescape").removesuffix("\n")

    def stream(self, *arguments: str, stdin: IO[bytes], stderr: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        """Start a git command that reads an open file, and answers on its stdout and on its stderr where asked."""
        return subprocess.Popen(
            ["git", *_HARDENED, *arguments],
            cwd=self.folder,
            env=self._environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )

    def _neutral_filters(self) -> dict[str, str]:
        if self._filters_off is None:
            self._filters_off = without_programs(self._filter_drivers())
        return self._filters_off

    def _filter_drivers(self) -> frozenset[str]:
        """Return the drivers that git may find here; drivers of the user's own, which it does not read, do no harm."""
        if self._view is None:
            self._view, drivers = view_and_drivers(self.folder, self._environment.get("GIT_DIR"))
            if drivers is not None:
                return drivers
        # A given view may be older than what this repository now says.
        _, listed = self.answer("config", "--name-only", "-z", "--get-regexp", r"^filter\.", expect=(0, 1))
        return filter_drivers(key.decode("utf-8", "surrogateescape") for key in listed.split(b"\0"))


def environment(folder: Path) -> dict[str, str]:
    """Return our environment without `GIT_*`, with what every call of ours fixes, for git in a folder."""
    return {**plain_environment(folder), **_FIXED}


def version() -> tuple[int, ...]:
    """Return git's version as numbers."""
    words = Git(Path("/")).text("--version")
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", words)
    return tuple(int(part) for part in found.groups("0")) if found else (0,)
