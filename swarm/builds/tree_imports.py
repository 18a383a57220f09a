"""Make the Python processes of a build import the tree under proof, and report modules that come from the checkout."""

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from swarm.scratch import scratch_folder

_VARIABLE: Final = "PYTHONPATH"
_HOOK: Final = Path(__file__).with_name("interpreter_hook.py")
_FORGED: Final = "(the record of imports was replaced)"
_LARGEST_RECORD: Final = 256 * 1024


class TreeImports:
    """The hook of the Python processes of one build, in a folder of its own that those processes write to."""

    def __init__(self, folder: Path, tree: Path, checkout: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._checkout = checkout.resolve()
        (folder / "sitecustomize.py").write_bytes(_HOOK.read_bytes())
        (folder / "places").write_bytes(b"\0".join(os.fsencode(place.resolve()) for place in (tree, checkout)))

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Return the variables of a step with the hook first on its Python path; a step without a path gets none."""
        path = variables.get(_VARIABLE)
        return {**variables, _VARIABLE: os.pathsep.join((str(self.folder), path))} if path else dict(variables)

    def take_record(self) -> tuple[str, ...]:
        """Return the modules of the checkout that were imported since the last call, relative to the checkout."""
        record = self.folder / "imported"
        try:
            if not stat.S_ISREG(record.lstat().st_mode):
                return self._forged(record)
            handle = os.open(record, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return ()
        with os.fdopen(handle, "rb") as file:
            names = file.read(_LARGEST_RECORD).split(b"\0")
        record.unlink()
        places = sorted({Path(os.fsdecode(name)) for name in names if name})
        return tuple(os.path.relpath(place, self._checkout) for place in places)

    def _forged(self, record: Path) -> tuple[str, ...]:
        """Clear what code under test has put in the place of the record; nobody knows what that code imported."""
        if record.is_dir() and not record.is_symlink():
            shutil.rmtree(record, ignore_errors=True)
        else:
            record.unlink(missing_ok=True)
        return (_FORGED,)


@contextmanager
def tree_imports(tree: Path, checkout: Path) -> Iterator[TreeImports]:
    """Give the hook of one build, and remove its folder afterwards, with every folder that was made beside it."""
    with scratch_folder() as folder:
        yield TreeImports(folder / "imports", tree, checkout)
