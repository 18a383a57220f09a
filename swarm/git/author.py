"""Author of the present command: the name and address that git would write into a commit."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from swarm import errors
from swarm.git.runner import Git, GitError

_KEYS: Final = ("user.name", "user.email")
_VARIABLES: Final = {"user.name": "GIT_AUTHOR_NAME", "user.email": "GIT_AUTHOR_EMAIL"}


def author(folder: Path, environment: Mapping[str, str]) -> str | None:
    """Return `Name <address>`, or the known part: from git's variables, the repository, the user's settings."""
    git = Git(folder)
    words = [environment.get(_VARIABLES[key]) or _setting(git, key, environment) for key in _KEYS]
    name, address = ("" if word is None else " ".join(word.split()) for word in words)
    return " ".join(part for part in (name, f"<{address}>" if address else "") if part) or None


def _setting(git: Git, key: str, environment: Mapping[str, str]) -> str | None:
    """Return a setting of the repository, else of the user, whose files every other call of ours passes over."""
    for source in ((), *(("--file", str(file)) for file in _files(environment))):
        try:
            code, value = git.answer("config", *source, "--get", key, expect=(0, 1))
        except (GitError, errors.SwarmError):
            continue
        if not code and value.strip():
            return value.decode("utf-8", "replace").strip()
    return None


def _files(environment: Mapping[str, str]) -> list[Path]:
    if named := environment.get("GIT_CONFIG_GLOBAL"):
        return [Path(named)]
    home = environment.get("HOME")
    if not home:
        return []
    settings = Path(environment.get("XDG_CONFIG_HOME") or Path(home) / ".config")
    return [file for file in (Path(home) / ".gitconfig", settings / "git" / "config") if file.is_file()]
