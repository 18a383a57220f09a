"""`swarm receipt`, and the files of a receipt."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from swarm import errors, stage_events
from swarm.cli import completions
from swarm.cli.call import Call
from swarm.cli.options import usage, verb
from swarm.files import is_in_place, write_whole
from swarm.results.receipt import WaveReceipt
from swarm.rules.states import WaveStatus
from swarm.show.receipt import receipt_lines

if TYPE_CHECKING:
    from swarm.store.connection import Store
    from swarm.store.runs import Run
    from swarm.store.waves import Wave


@verb(formats=("text", "markdown", "json"))
@click.argument("words", nargs=-1, metavar="[RUN] [WAVE]", shell_complete=completions.runs)
@click.option(
    "--output",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Also write receipt.json and receipt.md into FOLDER.",
)
def command(call: Call, words: tuple[str, ...], output: Path | None) -> None:
    """Print the record of WAVE of RUN, by default the newest wave: the same bytes for the same state.

    A promoted wave has receipt.json and receipt.md in its folder; this command writes them again where they are missing
    or differ from the control plane.
    """
    from swarm.waves.selection import select_wave, split_run_and_wave

    if len(words) > 2:  # noqa: PLR2004
        raise usage("it takes a run and a wave at most", "receipt")
    named, number = split_run_and_wave(words)
    with call.read() as store:
        run = call.run(store, named)
        wave = select_wave(store.conn, run, number)
        made = receipt_of(store, run, wave)
    if wave.status is WaveStatus.ADVANCED:
        keep(call, made)
    if output is not None:
        write(output, made)
    # Two calls for one state must print the same bytes, so the document has no duration.
    call.answer(made, lambda: receipt_lines(made), timed=False)


def receipt_of(store: "Store", run: "Run", wave: "Wave") -> WaveReceipt:
    """Return the receipt of a wave, read from a single state of the control plane."""
    from swarm.waves.look.receipt import receipt

    with store.snapshot() as conn:
        return receipt(conn, run, wave)


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
    for name, content in files_of(made).items():
        file = folder / name
        if not _holds(file, content):
            write_whole(file, content)


def files_of(made: WaveReceipt) -> dict[str, str]:
    """Return the content of each file of a receipt, by its name."""
    from swarm.results.document import document

    return {
        "receipt.json": json.dumps(document(made), indent=1, ensure_ascii=False) + "\n",
        "receipt.md": "\n".join(receipt_lines(made)) + "\n",
    }


def _holds(file: Path, content: str) -> bool:
    body = content.encode("utf-8", "surrogateescape")
    try:
        return not file.is_symlink() and file.stat().st_size == len(body) and file.read_bytes() == body
    except OSError:
        return False
