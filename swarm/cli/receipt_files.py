"""Files of a receipt: receipt.json and receipt.md, written where they differ."""

from pathlib import Path

from swarm import errors, stage_events
from swarm.cli.call import Call
from swarm.files import is_in_place, write_whole
from swarm.results.document import document_bytes
from swarm.results.receipt import WaveReceipt
from swarm.show.receipt import receipt_lines


def keep(call: Call, made: WaveReceipt) -> None:
    """Write the files of a receipt into the folder of its wave; a failure is only reported as an event."""
    folder = call.workspace.wave_folder(made.run_id, made.wave_number)
    if folder.exists() and not is_in_place(folder, call.workspace.folder):
        problem = "the folder was replaced"
        stage_events.emit("receipt_not_written", run_id=made.run_id, path=str(folder), problem=problem)
        return
    try:
        write(folder, made)
    except errors.WorkspaceNotWritable as error:
        stage_events.emit("receipt_not_written", run_id=made.run_id, path=str(folder), problem=error.message)


def write(folder: Path, made: WaveReceipt) -> None:
    """Write receipt.json and receipt.md where they differ. Raises WorkspaceNotWritable."""
    for name, body in files_of(made).items():
        file = folder / name
        if not holds(file, body):
            write_whole(file, body)


def files_of(made: WaveReceipt) -> dict[str, bytes]:
    """Return the content of each file of a receipt, by its name."""
    lines = "\n".join(receipt_lines(made)) + "\n"
    return {"receipt.json": document_bytes(made), "receipt.md": lines.encode("utf-8", "surrogateescape")}


def holds(file: Path, body: bytes) -> bool:
    """Say whether a file has these bytes; a link has none."""
    try:
        return not file.is_symlink() and file.stat().st_size == len(body) and file.read_bytes() == body
    except OSError:
        return False
