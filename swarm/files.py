"""Atomic writes of files: a temporary name in the same folder, fsync, rename."""

import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from swarm import errors

_UNFINISHED: Final = re.compile(r"\..+\.([0-9]+)-[^.]+\.tmp", re.ASCII | re.DOTALL)


def write_whole(file: Path, content: str | bytes, scratch: Path | None = None, *, lasts: bool = True) -> None:
    """Write a file so that it is there whole or not at all, also after a crash. Raises WorkspaceNotWritable.

    The temporary file lies in `scratch`, for a folder that holds so many files that a look at all of them takes long.
    A file that need not last is not waited for: after a crash of the machine it may be empty.
    """
    body = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
    try:
        with _temporary(file, body, scratch, lasts=lasts) as temporary:
            temporary.replace(file)
        if lasts:
            _sync_folder(file.parent)
    except OSError as error:
        problem = error.strerror or str(error)
        raise errors.WorkspaceNotWritable(path=str(file), problem=f"{file.name}: {problem}") from error


def write_new(file: Path, body: bytes, scratch: Path | None = None) -> None:
    """Write a file that only this user can read, whole or not at all, and never in the place of another.

    `scratch` is that of `write_whole`. Raises FileExistsError, WorkspaceNotWritable.
    """
    try:
        with _temporary(file, body, scratch) as temporary:
            # A link fails where any file is, and a rename would replace that file.
            os.link(temporary, file)
            temporary.unlink(missing_ok=True)
        _sync_folder(file.parent)
    except FileExistsError:
        raise
    except OSError as error:
        problem = error.strerror or str(error)
        raise errors.WorkspaceNotWritable(path=str(file), problem=f"{file.name}: {problem}") from error


@contextmanager
def _temporary(file: Path, body: bytes, scratch: Path | None, *, lasts: bool = True) -> Iterator[Path]:
    """Yield a file with the content of another, on the disk where it lasts; on an error the file is removed."""
    folder = scratch or file.parent
    make_folder(file.parent)
    make_folder(folder)
    _sweep(file, scratch)
    # `mkstemp` closes the file to all other users.
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.{os.getpid()}-", suffix=".tmp", dir=folder)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(body)
            stream.flush()
            if lasts:
                os.fsync(stream.fileno())
        yield Path(name)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_stream(file: Path, chunks: Iterable[str], *, mode: int | None = None) -> int:
    """Write a text piece by piece so that the file is there whole or not at all; return its bytes.

    Its folder must be there. The file is made with the rights that the user's umask leaves, or with those of `mode`; a
    link in its place is replaced and not followed. Raises WorkspaceNotWritable where there is a folder, a device or a
    pipe.
    """
    try:
        if file.exists() and not file.is_file():
            raise errors.WorkspaceNotWritable(path=str(file), problem=f"{file.name}: not a regular file")
        _sweep(file)
        temporary = file.with_name(f".{file.name}.{os.getpid()}-{os.urandom(4).hex()}.tmp")
        try:
            with temporary.open("x", encoding="utf-8", newline="") as stream:
                stream.writelines(chunks)
                stream.flush()
                os.fsync(stream.fileno())
                size = os.fstat(stream.fileno()).st_size
            if mode is not None:
                temporary.chmod(mode)
            temporary.replace(file)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(file.parent)
    except OSError as error:
        problem = error.strerror or str(error)
        raise errors.WorkspaceNotWritable(path=str(file), problem=f"{file.name}: {problem}") from error
    return size


def refuse_target(file: Path, database: Path, *, begins: str = "") -> None:
    """Refuse a place where an output must not be written: no folder, the control plane, or another file of the user.

    `begins` is what a file there must begin with to be replaced; an empty file holds nothing that could be lost.
    Raises OutputNotWritable.
    """
    try:
        problem = ""
        if not file.parent.is_dir():
            problem = "its folder is not there"
        elif file.exists() and not file.is_file():
            problem = "it is no regular file"
        elif file.name.startswith(database.name) and file.parent.samefile(database.parent):
            problem = "it is the control plane itself"
        elif begins and file.is_file() and not _begins(file, begins.encode()):
            problem = "another file is there, and would be lost"
    except OSError as error:
        problem = error.strerror or str(error)
    if problem:
        raise errors.OutputNotWritable(path=str(file), problem=problem)


def _begins(file: Path, begins: bytes) -> bool:
    with file.open("rb") as stream:
        return stream.read(len(begins)) in {begins, b""}


def _sweep(file: Path, scratch: Path | None = None) -> None:
    """Remove the temporary files of dead processes that wrote the same file, or any by way of the same `scratch`."""
    for entry in left_unfinished(scratch or file.parent):
        if scratch is not None or entry.name.startswith(f".{file.name}."):
            entry.unlink(missing_ok=True)


def left_unfinished(folder: Path) -> list[Path]:
    """Return the temporary files of a folder whose writers are dead."""
    found = []
    for entry in folder.iterdir():
        named = _UNFINISHED.fullmatch(entry.name)
        if named is not None and not _is_there(int(named[1])) and entry.is_file() and not entry.is_symlink():
            found.append(entry)
    return sorted(found)


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def is_in_place(folder: Path, root: Path) -> bool:
    """Say whether a folder is in its place below `root`, with no link at the folder or between."""
    try:
        return folder.resolve(strict=True) == root.resolve(strict=True) / folder.relative_to(root)
    except (OSError, RuntimeError, ValueError):
        return False


def hold_in_place(folder: Path, root: Path) -> None:
    """Refuse a folder that a link leads elsewhere, before anything is written below `root`. Raises LedOutside."""
    if (folder.exists() or folder.is_symlink()) and not is_in_place(folder, root):
        raise errors.LedOutside(path=str(folder), target=str(folder.resolve()))


def make_folder(folder: Path) -> None:
    """Make a folder and its missing parents, for this user alone. Raises WorkspaceNotWritable."""
    if folder.is_dir():
        return
    try:
        if not folder.parent.is_dir():
            make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        problem = error.strerror or str(error)
        raise errors.WorkspaceNotWritable(path=str(folder), problem=problem) from error


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
