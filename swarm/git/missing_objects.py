"""Objects that a partial clone lacks: found before git needs them, since swarm never lets git fetch."""

import shlex
from collections.abc import Sequence
from typing import Final

from swarm import errors
from swarm.git.repository import files_at
from swarm.git.runner import Git

_MOST_NAMED: Final = 5


def missing_files(git: Git, commit: str) -> list[str]:
    """Return the files of a commit whose content a partial clone lacks."""
    if _promisor(git) is None:
        return []
    listed = git.run("rev-list", "--objects", "--missing=print", f"{commit}^{{tree}}")
    missing = {line[1:].decode() for line in listed.splitlines() if line.startswith(b"?")}
    return [file.path for file in files_at(git, commit) if file.blob in missing] if missing else []


def refusal(git: Git, commit: str, lacking: Sequence[str]) -> "errors.GitBlocked":
    """Return the error that lists missing files of a commit, with the command that fetches them."""
    named = ", ".join(lacking[:_MOST_NAMED]) + (", …" if len(lacking) > _MOST_NAMED else "")
    files = f"{len(lacking):,} file{'s' if len(lacking) > 1 else ''}"
    problem = f"this partial clone lacks {files} of commit {commit[:12]}: {named}"
    # The options are those of git's own lazy fetch: without them a shallow clone refuses bare objects.
    here = f"git -C {shlex.quote(str(git.folder))}"
    ask = f"{here} rev-list --objects --missing=print {commit[:12]}^{{tree}}"
    options = "--no-tags --no-write-fetch-head --filter=blob:none --stdin"
    remote = shlex.quote(_promisor(git) or "origin")
    fetch = f"{here} -c fetch.negotiationAlgorithm=noop fetch {options} {remote}"
    remedy = f"fetch them: `{ask} | sed -n 's/^?//p' | {fetch}`"
    return errors.GitBlocked(verb="checkout", problem=problem, path=str(git.folder), remedy=remedy)


def _promisor(git: Git) -> str | None:
    """Return the remote that a partial clone fetches from, `None` for a clone that has all its objects."""
    code, listed = git.answer("config", "--null", "--get-regexp", r"^remote\..*\.promisor$", expect=(0, 1))
    keys = [entry.partition(b"\n")[0] for entry in listed.split(b"\0") if entry]
    if code or not keys:
        return None
    return keys[0].decode("utf-8", "surrogateescape").removeprefix("remote.").removesuffix(".promisor")
