"""Writing the files that others read: a temporary name in the same folder, fsync, rename."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from swarm import errors
from swarm.failpoints import failpoint


def write_whole(file: Path, content: str | bytes) -> None:
    """Write a file so that it is there whole or not at all, also after a crash. Raises WorkspaceNotWritable."""
    body = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
    try:
        make_folder(file.parent)
        _sweep(file)
        handle, name = tempfile.mkstemp(prefix=f".{file.name}.{os.getpid()}-", suffix=".tmp", dir=file.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(body)
                stream.flush()
                os.fsync(stream.fileno())
            failpoint("write.before_rename")
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        _sync_folder(file.parent)
    except OSError as error:
        problem = error.strerror or str(error)
        raise errors.WorkspaceNotWritable(path=str(file), problem=f"{file.name}: {problem}") from error


def write_stream(file: Path, chunks: Iterable[str]) -> int:
    """Write a text piece by piece so that the file is there whole or not at all; return its bytes.

    Its folder must be there. The file is made with the rights that the user's umask leaves; a link in its place is
    replaced and not followed. Raises WorkspaceNotWritable where there is a folder, a device or a pipe.
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
            failpoint("write.before_rename")
            temporary.replace(file)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(file.parent)
    except OSError as error:
        problem = error.strerror or str(error)
        raise errors.WorkspaceNotWritable(path=str(file), problem=f"{file.name}: {problem}") from error
    return size


def _sweep(file: Path) -> None:
    """Remove what a process that died while it wrote the same file has left."""
    begin = f".{file.name}."
    for entry in file.parent.iterdir():
        pid, dash, _ = entry.name.removeprefix(begin).partition("-")
        if not (entry.name.startswith(begin) and entry.name.endswith(".tmp") and dash and pid.isdecimal()):
            continue
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            entry.unlink(missing_ok=True)
        except (PermissionError, OverflowError):
            continue


def is_in_place(folder: Path, root: Path) -> bool:
    """Say whether a folder still is where it was made, and no link was put in its place or above it, up to `root`."""
    try:
        return folder.resolve(strict=True) == root.resolve(strict=True) / folder.relative_to(root)
    except (OSError, RuntimeError, ValueError):
        return False


def make_folder(folder: Path) -> None:
    """Make a folder and what is missing above it, for this user alone. Raises WorkspaceNotWritable."""
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
