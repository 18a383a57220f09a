"""Paths that an agent may name."""

import re
from collections.abc import Container
from collections.abc import Set as AbstractSet
from itertools import accumulate, takewhile

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_FILE_URI = re.compile(r"file:/", re.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:")
# Names that some file systems take for `.git`: NTFS short names, trailing dots and spaces, alternate streams.
_GIT_FOLDER = re.compile(r"(?:\.git|git~\d+)(?:[. ]*|:.*)", re.IGNORECASE)
# Code points that HFS+ ignores, so that `.g\u200cit` is `.git` there.
_IGNORABLE = re.compile(r"[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
LONGEST_PATH = 4096


def safe_path(named: str, tracked: Container[str], links: AbstractSet[str]) -> str:
    """Return the repository-relative path that an agent meant.

    `tracked` are the commit's paths; a name that equals a tracked path is returned unchanged. `links` are the
    symbolic links of the commit; a path through a link could lead anywhere. Raises `ValueError` with the reason.
    """
    # First: a file with a strange name that the commit really has must stay reportable.
    if named in tracked:
        return named
    # Agents on Windows, or trained on it, write backslashes.
    path = named.replace("\\", "/")
    if path.startswith("/") or _FILE_URI.match(path):
        raise ValueError("it is absolute")
    steps = [step for step in path.split("/") if step not in {"", "."}]
    path = "/".join(steps)
    if problem := _problem(path, steps):
        raise ValueError(problem)
    # By the folders of the path: an agent chooses the number of paths, and a repository that of its links.
    if links and any(folder in links for folder in accumulate(steps[:-1], "{}/{}".format)):
        raise ValueError("it leads through a symbolic link")
    return path


def _problem(path: str, steps: list[str]) -> str | None:
    if not steps:
        return "it is empty"
    # `C:x` is relative here and absolute on Windows, where the repository may be cloned.
    if _DRIVE.match(path):
        return "it is absolute"
    if len(path) > LONGEST_PATH:
        return f"it is longer than {LONGEST_PATH} characters"
    if ".." in steps:
        return "it climbs out of the repository"
    if _CONTROL.search(path):
        return "it holds control characters and is no path of the commit"
    if any(_GIT_FOLDER.fullmatch(_IGNORABLE.sub("", step)) for step in steps):
        return "it leads into .git"
    return None


def link_problem(path: str, target: bytes | None) -> str | None:
    """Return why a symbolic link of an agent's may lead out of the repository, `None` where it cannot.

    `target` is `None` where it is too long to be read.
    """
    if not target or b"\0" in target:
        return "it is a link that leads nowhere"
    # As an old encoding: only its ASCII matters here, and every byte has a character.
    named = target.decode("latin-1").replace("\\", "/")
    if named.startswith("/") or _DRIVE.match(named):
        return "it is a link to an absolute path"
    steps = [step for step in named.split("/") if step not in {"", "."}]
    climbs = len(list(takewhile("..".__eq__, steps)))
    # Behind another step a `..` climbs from where that step leads, which may be anywhere.
    if climbs > path.count("/") or ".." in steps[climbs:]:
        return "it is a link that leads out of the repository"
    if any(_GIT_FOLDER.fullmatch(step) for step in steps):
        return "it is a link into .git"
    return None
