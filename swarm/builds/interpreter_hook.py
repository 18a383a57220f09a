"""Hook of every Python process of a build: make imports lead to the tree, and record modules of the checkout.

A copy of this file is the first `sitecustomize` on the path, so it runs after the `.pth` files of the environment,
which lead editable installs to the user's checkout, and before the code under test. It runs in the project's own
interpreter, of any version, and imports nothing of ours, nor modules that would slow down every start.
"""

from __future__ import annotations

import _imp
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

_HERE = os.path.dirname(os.path.abspath(__file__))
_MOST_RECORDED = 20
_DEEPEST = 4
_INSTALLED = ("site-packages", "dist-packages")
_OWN_FINDERS = ("_frozen_importlib", "_frozen_importlib_external", "importlib._bootstrap_external", "zipimport")


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


class Places:
    """The tree under proof and the checkout, by their real paths."""

    def __init__(self, tree: str, checkout: str) -> None:
        self.tree = os.path.realpath(tree)
        self.checkout = os.path.realpath(checkout)
        prefixes = [os.path.realpath(prefix) for prefix in (sys.prefix, sys.exec_prefix, sys.base_prefix)]
        # An environment in the checkout is installed there, and no code of the repository.
        self._environments = [
            prefix for prefix in prefixes if prefix != self.checkout and _below(prefix, self.checkout)
        ]

    def of_checkout(self, path: str) -> str | None:
        """Return the real path where a path leads to code of the checkout, else None."""
        real = os.path.realpath(path)
        if not _below(real, self.checkout) or _below(real, self.tree):
            return None
        if any(_below(real, prefix) for prefix in self._environments):
            return None
        parts = real[len(self.checkout) :].split(os.sep)
        return None if any(name in parts for name in _INSTALLED) else real

    def in_tree(self, path: str) -> str | None:
        """Return the place in the tree of a path that leads to the checkout, None where the tree lacks it."""
        real = self.of_checkout(path) if os.path.isabs(path) else None
        place = None if real is None else self.tree + real[len(self.checkout) :]
        return place if place is not None and os.path.exists(place) else None


def lead_paths(places: Places) -> None:
    """Replace each entry of sys.path that leads to the checkout by its place in the tree."""
    kept = []
    for entry in sys.path:
        place = places.in_tree(entry) if isinstance(entry, str) and entry else None
        if place is None:
            kept.append(entry)
            continue
        if place not in kept and place not in sys.path:
            kept.append(place)
        _lend_metadata(entry)
    if os.path.isdir(os.path.join(_HERE, "metadata")):
        kept.append(os.path.join(_HERE, "metadata"))
    sys.path[:] = kept


def _lend_metadata(entry: str) -> None:
    """Keep the metadata of an install beside its code (`setup.py develop`): git ignores it, so the tree has none."""
    for name in os.listdir(entry):
        if name.endswith((".egg-info", ".dist-info")):
            try:
                os.makedirs(os.path.join(_HERE, "metadata"), exist_ok=True)
                os.symlink(os.path.join(entry, name), os.path.join(_HERE, "metadata", name))
            except OSError:
                # Another process of the build was first.
                pass


def lead_finders(places: Places) -> None:
    """Replace the paths to the checkout that import finders hold; build backends install finders of many kinds."""
    for finder in list(sys.meta_path):
        kind = finder if isinstance(finder, type) else type(finder)
        if kind.__module__ in _OWN_FINDERS:
            continue
        # Setuptools keeps its mapping in globals of the finder's module, `editables` in the class, others in instances.
        holders = [finder, kind, sys.modules.get(kind.__module__)]
        for holder in holders:
            for name, value in list(getattr(holder, "__dict__", {}).items()):
                led = value if name.startswith("__") else _led(value, places, 0)
                if led is not value:
                    setattr(holder, name, led)


def _led(value: object, places: Places, depth: int) -> object:
    if isinstance(value, str):
        return places.in_tree(value) or value
    if depth > _DEEPEST:
        return value
    if type(value) is dict:
        value.update({key: _led(item, places, depth + 1) for key, item in value.items()})
    elif type(value) is list:
        value[:] = [_led(item, places, depth + 1) for item in value]
    elif type(value) is set and all(isinstance(item, str) for item in value):
        items = {_led(item, places, depth + 1) for item in value}
        value.clear()
        value.update(items)
    elif type(value) is tuple:
        led = tuple(_led(item, places, depth + 1) for item in value)
        return led if led != value else value
    return value


class LinkedPackages:
    """A finder for packages that are installed as links to the checkout.

    `flit install --symlink` links a package into the environment, a strict editable install of setuptools its files
    into a folder that git ignores.
    """

    def __init__(self, places: Places) -> None:
        self.found: dict[str, str] = {}
        for entry in sys.path:
            if not isinstance(entry, str) or not os.path.isdir(entry):
                continue
            if os.path.basename(entry) in _INSTALLED or places.of_checkout(entry) is not None:
                for name in os.listdir(entry):
                    place = self._place(os.path.join(entry, name), places)
                    if place is not None:
                        self.found[os.path.splitext(name)[0]] = place

    def _place(self, item: str, places: Places) -> str | None:
        if os.path.islink(item):
            return places.in_tree(item)
        file = os.path.join(item, "__init__.py")
        place = places.in_tree(file) if os.path.islink(file) else None
        return None if place is None else os.path.dirname(place)

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Return the spec of a linked package in the tree."""
        del path, target
        place = self.found.get(name)
        if place is None:
            return None
        from importlib.util import spec_from_file_location

        if not os.path.isdir(place):
            return spec_from_file_location(name, place)
        file = os.path.join(place, "__init__.py")
        return spec_from_file_location(name, file, submodule_search_locations=[place]) if os.path.exists(file) else None


class Recorder:
    """Records each module that is imported from the checkout in spite of all, once a process."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._seen: set[str] = set()
        self._recorded = 0

    def watch(self, event: str, arguments: tuple[object, ...]) -> None:
        """Look at an audit event: `exec` runs the code of a module, `import` loads an extension module."""
        if event == "exec":
            self.look_at(getattr(arguments[0], "co_filename", None))
        elif event == "import":
            self.look_at(arguments[1])

    def look_at_modules(self) -> None:
        """Look at the modules that are imported already."""
        for module in list(sys.modules.values()):
            self.look_at(getattr(module, "__file__", None))

    def look_at(self, file: object) -> None:
        """Record a module's file where it belongs to the checkout."""
        if not isinstance(file, str) or file in self._seen or not os.path.isabs(file):
            return
        self._seen.add(file)
        real = self._places.of_checkout(file)
        if real is None or self._recorded >= _MOST_RECORDED:
            return
        self._recorded += 1
        try:
            handle = os.open(os.path.join(_HERE, "imported"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            os.write(handle, os.fsencode(real) + b"\0")
            os.close(handle)
        except OSError:
            # A process without rights to our folder; its parent records its own imports.
            pass


def install() -> None:
    """Install the hook for this process, then run the `sitecustomize` that it stands before."""
    # A commit may bring bytecode that says of itself that nobody needs to compare it with its source.
    _imp.check_hash_based_pycs = "always"
    sys.path[:] = [entry for entry in sys.path if entry != _HERE]
    with open(os.path.join(_HERE, "places"), "rb") as file:
        places = Places(*os.fsdecode(file.read()).split("\0"))
    lead_paths(places)
    lead_finders(places)
    linked = LinkedPackages(places)
    if linked.found:
        sys.meta_path.insert(0, linked)
    recorder = Recorder(places)
    recorder.look_at_modules()
    if hasattr(sys, "addaudithook"):
        sys.addaudithook(recorder.watch)
    else:
        import atexit

        atexit.register(recorder.look_at_modules)
    _run_next_sitecustomize()


def _run_next_sitecustomize() -> None:
    from importlib import import_module

    this = sys.modules.pop("sitecustomize")
    try:
        import_module("sitecustomize")
    except ImportError:
        pass
    finally:
        # The import system looks the module up when the import of this hook ends.
        sys.modules.setdefault("sitecustomize", this)


if __name__ == "sitecustomize":
    install()
