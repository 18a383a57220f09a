"""Folders that a program needs to start: its own, its interpreter's, and those of the toolchains on PATH."""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

_MOST_HOPS: Final = 40
_LONGEST_LINE: Final = 4096
_BIN: Final = {"bin", "sbin", "Scripts"}
# Toolchains below home that start their programs by a shim; none of these folders holds a credential.
_TOOLCHAINS: Final = (
    *(".pyenv", ".rbenv", ".nodenv", ".goenv", ".asdf", ".nvm", ".fnm", ".volta", ".sdkman", ".rustup"),
    *(".deno", ".bun"),
    *(".cargo/bin", "go/bin", ".local/bin", ".local/lib", ".local/share/mise", ".local/share/uv/python"),
    *(".local/share/uv/tools", ".local/share/pnpm", ".local/share/fnm", ".local/pipx", ".local/share/pipx"),
    *(".npm-global", ".opam", ".ghcup/bin", ".dotnet", ".local/share/rtx"),
)
_SYSTEM: Final = ("/home/linuxbrew/.linuxbrew", "/run/current-system", "/run/wrappers", "/run/opengl-driver")


def located(program: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Return the path of a program as a start in a folder would find it. Raises FileNotFoundError, PermissionError."""
    if os.sep in program:
        path = os.path.abspath(folder / program)
        # `stat` raises the error that a start without a sandbox would raise.
        os.stat(path)
    else:
        path = shutil.which(program, path=environment.get("PATH", os.defpath)) or ""
        if not path:
            raise FileNotFoundError(2, os.strerror(2), program)
    if not os.access(path, os.X_OK) or Path(path).is_dir():
        raise PermissionError(13, os.strerror(13), program)
    for interpreter in _interpreters(path, environment):
        # The kernel reports a missing interpreter in the same way.
        os.stat(interpreter)
    return path


def needs_of(argv: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Yield the folders and files that a process needs to read beside the system: real paths and paths of links."""
    program = located(argv[0], folder, environment)
    yield from _install(program, environment)
    script = next((part for part in argv[1:] if os.path.isabs(part) and os.path.isfile(part)), None)
    if script is not None:
        # A script imports the modules beside it.
        yield os.path.dirname(script)
        yield os.path.dirname(os.path.realpath(script))
    yield from (part for part in argv[1:] if os.path.isabs(part) and os.path.lexists(part))


def toolchains(home: str, environment: Mapping[str, str]) -> Iterator[str]:
    """Yield the folders of programs on PATH, and the toolchains that they may lead to."""
    for folder in environment.get("PATH", "").split(os.pathsep):
        if os.path.isabs(folder) and os.path.isdir(folder):
            yield from _prefix(folder)
    yield from (os.path.join(home, name) for name in _TOOLCHAINS)
    yield from _SYSTEM


def _install(program: str, environment: Mapping[str, str]) -> Iterator[str]:
    """Yield where a program, each link on the way to it, and its interpreters are installed."""
    todo, seen = [program], set[str]()
    while todo and len(seen) < _MOST_HOPS:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        folder = os.path.dirname(path)
        yield from _prefix(folder)
        if os.path.islink(path):
            todo.append(os.path.normpath(os.path.join(folder, os.readlink(path))))
        if os.path.realpath(path) != path:
            todo.append(os.path.realpath(path))
        todo += _interpreters(path, environment)
        # A virtual environment names the Python that it was made of.
        todo += _base_pythons(os.path.join(os.path.dirname(folder), "pyvenv.cfg"))


def _prefix(folder: str) -> Iterator[str]:
    """Yield a folder of programs, and the folder of the install around it where that is all that it holds."""
    yield folder
    above = os.path.dirname(folder)
    is_install = os.path.basename(folder) in _BIN and any(
        os.path.exists(os.path.join(above, name)) for name in ("lib", "pyvenv.cfg", "lib64")
    )
    # A package of npm finds the packages that it depends on beside itself.
    before, packages, _ = f"{folder}/".partition("/node_modules/")
    if packages:
        yield before + packages.rstrip("/")
    # `~/.local` is an install by its form, and holds keyrings as well.
    if is_install and os.path.basename(above) != ".local":
        yield above


def _interpreters(path: str, environment: Mapping[str, str]) -> list[str]:
    try:
        with open(path, "rb") as file:
            line = file.read(_LONGEST_LINE).split(b"\n", 1)[0]
    except OSError:
        return []
    words = os.fsdecode(line[2:]).split() if line.startswith(b"#!") else []
    if not words:
        return []
    if os.path.basename(words[0]) != "env":
        return words[:1]
    named = next((word for word in words[1:] if not word.startswith("-") and "=" not in word), None)
    found = shutil.which(named, path=environment.get("PATH", os.defpath)) if named else None
    return [words[0], *([found] if found else [])]


def _base_pythons(settings: str) -> Iterable[str]:
    try:
        with open(settings, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read(_LONGEST_LINE).splitlines()
    except OSError:
        return []
    entries = dict(line.partition("=")[::2] for line in lines)
    home = next((value.strip() for name, value in entries.items() if name.strip() == "home"), None)
    return [os.path.join(home, name) for name in ("python3", "python")] if home else []
