"""A git folder that holds the objects of another and nothing else of it: no settings, refs, hooks or attributes."""

from pathlib import Path
from typing import Final

_SHA256_DIGITS: Final = 64
_CONFIG: Final = "[core]\n\trepositoryformatversion = 0\n\tbare = false\n"
_CONFIG_SHA256: Final = "[core]\n\trepositoryformatversion = 1\n\tbare = false\n[extensions]\n\tobjectformat = sha256\n"


def make_objects_folder(folder: Path, objects: Path, commit: str, settings: str = "") -> Path:
    """Make a git folder for the objects of a repository, with settings of ours, and return it.

    The length of `commit`, an id of the repository, shows its object format.
    """
    (folder / "refs").mkdir(parents=True)
    (folder / "objects").symlink_to(objects)
    (folder / "HEAD").write_text("ref: refs/heads/none\n")
    config = _CONFIG_SHA256 if len(commit) == _SHA256_DIGITS else _CONFIG
    (folder / "config").write_text(config + settings, encoding="utf-8", errors="surrogateescape")
    return folder
