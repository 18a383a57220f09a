"""The user's own view of a work tree: line endings, ignore files, attributes and file modes, read from git's settings.

Only settings that change what git sees are read. Whatever makes git start a program (filters, hooks, drivers,
fsmonitor) is read by name at most, and stays off.
"""

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from swarm.git.process import completed
from swarm.search_path import plain_environment

# How git converts and compares files, by documented key (git-config(1)), in lower case.
_SETTINGS: Final = (
    "core.autocrlf",
    "core.eol",
    "core.safecrlf",
    "core.filemode",
    "core.ignorecase",
    "core.precomposeunicode",
    "core.symlinks",
)
# The name of each file at git's default place, by the setting that names another place.
FILES: Final = {"core.excludesfile": "ignore", "core.attributesfile": "attributes"}
# The variables by which a user says where the own settings are; the runner takes every other GIT_ variable away.
_PLACES: Final = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")
_FILTER_PROGRAMS: Final = ("clean", "smudge", "process")
_OF_FILTER: Final = re.compile(r"filter\.(.*)\.(?:clean|smudge|process|required)", re.DOTALL)
_FILTER: Final = re.compile(r"filter\.(.+)\.(?:clean|smudge|process)", re.DOTALL)
_MERGE_DRIVER: Final = re.compile(r"merge\.(.+)\.driver", re.DOTALL)
# The owner of a repository is judged where it is found; an exception is needed for git, which reads no other here.
_ANY_OWNER: Final = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
_DEADLINE_SECONDS: Final = 60.0


class UserView(NamedTuple):
    """Settings that decide what git sees in a work tree.

    `settings` are effective values by key; `core.excludesfile` and `core.attributesfile` are among them, as whole
    paths. `filters` and `merge_drivers` name the drivers for which git would start a program.
    """

    settings: tuple[tuple[str, str], ...] = (("core.excludesfile", os.devnull), ("core.attributesfile", os.devnull))
    filters: tuple[str, ...] = ()
    merge_drivers: tuple[str, ...] = ()

    def options(self) -> tuple[str, ...]:
        """Return the settings as git's `-c` options."""
        return tuple(word for key, value in self.settings for word in ("-c", f"{key}={value}"))


def user_view(folder: Path, git_dir: str | None = None) -> UserView:
    """Return the view of the user who runs this process, for a work tree and the git folder that is believed.

    A value that the repository's own configuration sets wins over the user's, as in git. Where git cannot answer,
    the view is git's defaults.
    """
    return view_and_drivers(folder, git_dir)[0]


def view_and_drivers(folder: Path, git_dir: str | None = None) -> tuple[UserView, frozenset[str] | None]:
    """Return the view, and the names of every filter driver of which any setting is known, `None` where git fails."""
    # An agent can write the `.git` of its own tree, and so lead git to other settings.
    believed = {} if git_dir is None else {"GIT_DIR": git_dir}
    listed = _listed(folder, (), {**_ANY_OWNER, **believed})
    if listed is None:
        return UserView(), None
    entries = list(_entries(listed))
    return _read(entries, folder), filter_drivers(key for key, _ in entries)


def filter_drivers(keys: Iterable[str]) -> frozenset[str]:
    """Return the names of the filter drivers that keys of git's configuration set."""
    return frozenset(found[1] for key in keys if (found := _OF_FILTER.fullmatch(key)))


def without_programs(drivers: Iterable[str]) -> dict[str, str]:
    """Return the variables by which git runs none of the programs of filter drivers."""
    named = sorted(drivers)
    # Not by `-c`, which would take a driver's name to end at its first `=`.
    settings = [(f"filter.{driver}.{part}", "") for driver in named for part in _FILTER_PROGRAMS]
    settings += [(f"filter.{driver}.required", "false") for driver in named]
    found = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings):
        found |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return found


def safe_directories() -> tuple[str, ...]:
    """Return the values of `safe.directory` that the user's environment, own and system's configuration set."""
    # Settings in variables (`GIT_CONFIG_COUNT`) are the caller's, and git takes this one from them, too.
    given = {name: value for name, value in os.environ.items() if name.startswith("GIT_CONFIG_")}
    listed = _listed(Path("/"), ("--show-scope",), given) or b""
    words = listed.split(b"\0")
    named: list[str] = []
    for scope, entry in zip(words[::2], words[1::2], strict=False):
        key, _, value = entry.decode("utf-8", "surrogateescape").partition("\n")
        # As git does it: a repository cannot vouch for itself, and an empty value ends the list before it.
        if key == "safe.directory" and scope in {b"global", b"system", b"command"}:
            named = [*named, value] if value else []
    return tuple(named)


def _listed(folder: Path, options: tuple[str, ...], given: Mapping[str, str]) -> bytes | None:
    """Return the user's whole configuration, in a folder, as git lists it; `None` where git cannot answer."""
    known = {name: value for name in _PLACES if (value := os.environ.get(name)) is not None}
    try:
        done = completed(
            ["git", "config", "--list", "-z", "--includes", *options],
            cwd=folder,
            env={**plain_environment(folder), **known, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", **given},
            timeout=_DEADLINE_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode else done.stdout


def _entries(listed: bytes) -> Iterable[tuple[str, str]]:
    """Read `git config --list -z`: a key, and after a newline its value; a key alone is a true boolean."""
    for entry in listed.split(b"\0"):
        if entry:
            key, separator, value = entry.decode("utf-8", "surrogateescape").partition("\n")
            yield key, value if separator else "true"


def _read(entries: Iterable[tuple[str, str]], folder: Path) -> UserView:
    values: dict[str, str] = {}
    filters: set[str] = set()
    drivers: set[str] = set()
    for key, value in entries:
        # The last value of a key wins.
        if key in _SETTINGS or key in FILES:
            values[key] = value
        elif (named := _FILTER.fullmatch(key)) and value:
            filters.add(named[1])
        elif (named := _MERGE_DRIVER.fullmatch(key)) and value:
            drivers.add(named[1])
    values |= {key: _place(values.get(key), name, folder) for key, name in FILES.items()}
    return UserView(tuple(values.items()), tuple(sorted(filters)), tuple(sorted(drivers)))


def _place(named: str | None, default: str, folder: Path) -> str:
    """Return the whole path of a file of the user's, at git's default place where no setting names it."""
    if named is None:
        home = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")  # noqa: PTH111, PTH118
        place = Path(home) / "git" / default
    elif not named:
        return os.devnull
    else:
        place = folder / os.path.expanduser(named)  # noqa: PTH111
    # A pipe or a device in its place would hold git up.
    return str(place) if place.is_file() else os.devnull
