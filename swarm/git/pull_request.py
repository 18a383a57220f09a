"""Pushing a branch to a remote of the user's, and opening a pull request by GitHub's own program."""

import shutil
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

from swarm.git.runner import Git
from swarm.rules.ref_names import head_ref
from swarm.search_path import path_outside, plain_environment

_DEADLINE_SECONDS: Final = 300
_LONGEST_PROBLEM: Final = 500


class RemoteRefused(Exception):
    """The remote, or GitHub's program, did not take what it was given; the text has its words."""


class PullRequest(NamedTuple):
    """A pull request to open: from `head` into `base`, `None` for the default branch of the remote's repository."""

    head: str
    base: str | None
    title: str
    body: str

    @property
    def words(self) -> list[str]:
        """The words of GitHub's program that open it."""
        base = [f"--base={self.base}"] if self.base is not None else []
        return ["gh", "pr", "create", f"--head={self.head}", *base, f"--title={self.title}"]


def remotes_of(git: Git) -> list[str]:
    """Return the names of a repository's remotes."""
    return git.text("remote").splitlines()


def remote_for(git: Git, branch: str | None) -> str | None:
    """Return the remote that a branch is pushed to: its own, else `origin`, else the only one; `None` without any."""
    remotes = remotes_of(git)
    if branch is not None:
        _, own = git.answer("config", "--get", f"branch.{branch}.remote", expect=(0, 1))
        if (name := own.decode("utf-8", "surrogateescape").strip()) in remotes:
            return name
    if "origin" in remotes:
        return "origin"
    return remotes[0] if len(remotes) == 1 else None


def push(folder: Path, remote: str, commit: str, branch: str) -> None:
    """Set a branch of a remote to a commit, as a fast-forward. Raises RemoteRefused."""
    # As the user would, with the user's own credentials, which our other calls of git do not read; but without hooks.
    words = ["git", "-c", "core.hooksPath=/dev/null", "push", "--quiet", "--", remote, f"{commit}:{head_ref(branch)}"]
    _done(words, folder)


def program(folder: Path) -> str | None:
    """Return GitHub's program, unless it is one of the repository."""
    return shutil.which("gh", path=path_outside(folder))


def open_pull_request(folder: Path, gh: str, wanted: PullRequest) -> str:
    """Open a pull request, and return its address; that of an open one with the same head. Raises RemoteRefused."""
    try:
        return _done([gh, *wanted.words[1:], "--body-file=-"], folder, wanted.body).strip()
    except RemoteRefused:
        # The usual reason is that an earlier call has opened it.
        standing = [gh, "pr", "view", wanted.head, "--json=url,state", '--jq=select(.state == "OPEN").url']
        try:
            address = _done(standing, folder).strip()
        except RemoteRefused:
            address = ""
        if not address:
            raise
        return address


def _done(words: list[str], folder: Path, stdin: str = "") -> str:
    environment = {**plain_environment(folder), "GIT_TERMINAL_PROMPT": "0", "GH_PROMPT_DISABLED": "1"}
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_DEADLINE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RemoteRefused(str(error)) from error
    if done.returncode:
        raise RemoteRefused(" ".join(done.stderr.split())[:_LONGEST_PROBLEM] or f"exit code {done.returncode}")
    return done.stdout
