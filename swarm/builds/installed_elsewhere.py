"""Code of the user's own that an installed environment leads to: a sandbox that hides home must show it to a build."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from swarm.builds.checkout import Checkout
from swarm.builds.interpreters import FALLBACK, interpreter
from swarm.builds.node_modules import FOLDER
from swarm.builds.project_files import read_json, table

_FILE: Final = "file://"


def installed_elsewhere(checkout: Checkout) -> Iterator[Path]:
    """Yield the folders of editable installs and of linked packages in the environments of the checkout.

    Not of environments that git brought, or that a set-up made in the tree: code under test writes to those, and would
    name what it wants to see.
    """
    python = interpreter(checkout)
    if python != FALLBACK and (checkout.installed is None or not Path(python).is_relative_to(checkout.installed)):
        yield from _editable(Path(python).parent.parent)
    yield from _linked(checkout, checkout.root / FOLDER)


def _editable(environment: Path) -> Iterator[Path]:
    """Yield the sources of editable installs, as PEP 610 records them."""
    for record in sorted(environment.glob("lib/python*/site-packages/*.dist-info/direct_url.json")):
        found = read_json(record.parent, record.name)
        url = str(found.get("url"))
        if url.startswith(_FILE + "/") and (table(found, "dir_info") or {}).get("editable"):
            yield Path(unquote(url.removeprefix(_FILE)))


def _linked(checkout: Checkout, modules: Path) -> Iterator[Path]:
    if not modules.is_dir():
        return
    with os.scandir(modules) as entries:
        for entry in sorted(entries, key=lambda found: found.name):
            place = Path(entry.path)
            if entry.name.startswith("@") and not entry.is_symlink():
                yield from _linked(checkout, place)
            elif entry.is_symlink() and not checkout.brings(place):
                yield place.resolve()
