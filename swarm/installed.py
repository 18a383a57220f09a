"""Facts about this installation: the commit that it was built from, and the command that installs what it lacks."""

import contextlib
import shlex
import shutil
import sys
from functools import cache
from pathlib import Path
from typing import Any, Final

from swarm import __version__

PROJECT: Final = "swarm-control-plane"
_PACKAGE: Final = Path(__file__).parent
# The build writes it; a checkout has none.
_COMMIT: Final = _PACKAGE / "shipped" / "commit"
_SHOWN: Final = 12


def checkout() -> Path | None:
    """Return the checkout of this project that swarm runs from, `None` where it runs from a wheel."""
    root = _PACKAGE.parent
    return root if (root / "pyproject.toml").is_file() and not _COMMIT.is_file() else None


def commit() -> str | None:
    """Return the beginning of the commit that swarm was built from, or that its checkout is at; `None` if unknown.

    `edited` behind it says that a wheel was built from files that the commit does not hold.
    """
    root = checkout()
    try:
        found, *edited = (_line(_COMMIT) if root is None else _head(root)).split()
    except (OSError, ValueError):
        return None
    return " ".join((found[:_SHOWN], *edited)) if found.isalnum() else None


def version_line() -> str:
    """Return the version of swarm and its commit, as `swarm --version` prints them."""
    known = commit()
    return f"swarm {__version__} (commit {known})" if known else f"swarm {__version__}"


def _head(root: Path) -> str:
    """Return the commit of a checkout, from the files of git: a process would cost more than the rest of the call."""
    folder = root / ".git"
    if folder.is_file():
        folder = root / _line(folder).removeprefix("gitdir: ")
    ref = _line(folder / "HEAD").removeprefix("ref: ")
    if "/" not in ref:
        return ref
    # A linked worktree has its own HEAD, and the branches of its repository.
    common = folder / _line(folder / "commondir") if (folder / "commondir").is_file() else folder
    if (common / ref).is_file():
        return _line(common / ref)
    packed = (common / "packed-refs").read_text(encoding="utf-8", errors="replace")
    return next((line.partition(" ")[0] for line in packed.splitlines() if line.endswith(f" {ref}")), "")


def _line(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace").strip()


@cache
def install_command(requirement: str) -> str:
    """Return the command that installs a package of PyPI, or an extra of swarm such as `[analyzers]`, for this swarm.

    A command of another installer would install it where this swarm does not look, or nowhere.
    """
    is_extra = requirement.startswith("[")
    prefix = Path(sys.prefix)
    wanted = shlex.quote(PROJECT + requirement if is_extra else requirement)
    if (receipt := prefix / "uv-receipt.toml").is_file():
        return f"uv tool install {_with_kept_extras(receipt, requirement) if is_extra else wanted}"
    if (prefix / "pipx_metadata.json").is_file():
        # `install --force` would make the environment anew, without the extras that it has.
        return f"pipx inject {PROJECT} {wanted}" if is_extra else f"pipx install {wanted}"
    root = checkout()
    if is_extra and root is not None:
        wanted = f"--editable {shlex.quote(f'{root}{requirement}')}"
    if _is_made_by_uv(prefix):
        return f"uv pip install --python {shlex.quote(sys.executable)} {wanted}"
    return f"{_python()} -m pip install {wanted}"


def _with_kept_extras(receipt: Path, extra: str) -> str:
    """Return the words for `uv tool install`, which makes the environment anew: the same place and all extras."""
    import tomllib

    own: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, StopIteration):
        requirements = tomllib.loads(receipt.read_text(encoding="utf-8"))["tool"]["requirements"]
        own = next(each for each in requirements if each["name"] == PROJECT)
    extras = f"[{','.join(sorted({*own.get('extras', ()), extra.strip('[]')}))}]"
    match own:
        case {"directory": str(place)}:
            return shlex.quote(f"{place}{extras}")
        case {"editable": str(place)}:
            return f"--editable {shlex.quote(f'{place}{extras}')}"
        case {"path": str(place)}:
            return shlex.quote(f"{PROJECT}{extras} @ {Path(place).absolute().as_uri()}")
        case {"url": str(url)}:
            return shlex.quote(f"{PROJECT}{extras} @ {url}")
        case {"git": str(url)}:
            # uv writes the revision as a query, and reads it behind an `@`.
            return shlex.quote(f"{PROJECT}{extras} @ git+{url.replace('?rev=', '@', 1)}")
        case _:
            return shlex.quote(f"{PROJECT}{extras}{own.get('specifier', '')}")


def _is_made_by_uv(prefix: Path) -> bool:
    """Say whether an environment was made by uv, and so has no pip."""
    try:
        lines = (prefix / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return any(line.partition("=")[0].strip() == "uv" for line in lines)


def _python() -> str:
    """Return the word for this interpreter: `python` where PATH leads to it, else its path."""
    found = shutil.which("python")
    is_this = found is not None and Path(found).parent == Path(sys.executable).parent
    return "python" if is_this else shlex.quote(sys.executable)
