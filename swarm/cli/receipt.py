"""`swarm receipt`, the files of a receipt, and `receipt verify`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click

from swarm import errors, stage_events
from swarm.cli import completions
from swarm.cli.call import Call
from swarm.cli.options import usage, verb
from swarm.files import is_in_place, write_whole
from swarm.results.receipt import ReceiptCheck, SignedReceipt, WaveReceipt
from swarm.rules.states import WaveStatus
from swarm.show import text
from swarm.show.escape import plain
from swarm.show.receipt import receipt_lines

if TYPE_CHECKING:
    from swarm.store.connection import Store
    from swarm.store.runs import Run
    from swarm.store.waves import Wave

_ICONS: Final = {"holds": "✓ holds", "broken": "⊘ broken", "not_checked": "· not checked"}
_ENDS: Final = {
    "holds": "✓ Signed, and all that could be checked holds.",
    "broken": "⊘ Something does not hold.",
    "not_checked": "⊘ Nothing is proved: the signature could not be checked.",
}
_EXITS: Final = {"holds": 0, "broken": 1, "not_checked": 2}
_file = click.Path(path_type=Path)


@verb(formats=("text", "markdown", "json"))
@click.argument("words", nargs=-1, metavar="[RUN] [WAVE] | verify FILE", shell_complete=completions.runs)
@click.option("--output", metavar="FOLDER", type=_file, help="Also write receipt.json and receipt.md into FOLDER.")
@click.option(
    "--sign",
    metavar="[KEY]",
    is_flag=False,
    flag_value="",
    help="Sign it with a key of yours, into FOLDER or a folder of the run; without KEY with your only key.",
    shell_complete=completions.keys,
)
@click.option("--sarif", metavar="FILE", type=_file, help="With --sign: sign this SARIF log, too.")
@click.option("--record", metavar="FILE", type=_file, help="With --sign: sign this record, too.")
@click.option("--key", metavar="HEX|FILE", help="With verify: the public key; by default that of your own keys.")
@click.option(
    "--file", "named", metavar="FILE", type=_file, multiple=True, help="With verify: a file that is not beside FILE."
)
def command(
    call: Call,
    words: tuple[str, ...],
    output: Path | None,
    sign: str | None,
    sarif: Path | None,
    record: Path | None,
    key: str | None,
    named: tuple[Path, ...],
) -> None:
    """Print the record of WAVE of RUN, by default the newest wave: the same bytes for the same state.

    A promoted wave has receipt.json and receipt.md in its folder; this command writes them again where they are missing
    or differ from the control plane.

    With --sign an attestation is written, receipt.intoto.jsonl: an in-toto Statement in a DSSE envelope about the
    commit, the receipt, the newest verification of the wave and the length and head of the ledger. `verify FILE` checks
    such a file: signature, subject, ledger and record, each told apart. Exit 0: it is signed, and all that could be
    checked holds; 1: something does not hold; 2: the signature could not be checked.
    """
    from swarm.waves.selection import select_wave, split_run_and_wave

    files = {role: file for role, file in (("sarif", sarif), ("record", record)) if file is not None}
    if words[:1] == ("verify",):
        if len(words) != 2 or sign is not None or files or output is not None:  # noqa: PLR2004
            raise usage("verify takes a FILE, and of the options --key and --file", "receipt verify")
        _verify(call, call.folder / words[1], key, named)
    if len(words) > 2:  # noqa: PLR2004
        raise usage("it takes a run and a wave at most", "receipt")
    if key is not None or named or (files and sign is None):
        raise usage("--key and --file go with verify, --sarif and --record with --sign", "receipt")
    run_named, number = split_run_and_wave(words)
    with call.read() as store:
        run = call.run(store, run_named)
        wave = select_wave(store.conn, run, number)
        if sign is not None:
            _sign(call, store, run, wave, sign, files, output)
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
    for name, body in files_of(made).items():
        file = folder / name
        if not _holds(file, body):
            write_whole(file, body)


def files_of(made: WaveReceipt) -> dict[str, bytes]:
    """Return the content of each file of a receipt, by its name."""
    from swarm.results.document import document_bytes

    lines = "\n".join(receipt_lines(made)) + "\n"
    return {"receipt.json": document_bytes(made), "receipt.md": lines.encode("utf-8", "surrogateescape")}


def _holds(file: Path, body: bytes) -> bool:
    try:
        return not file.is_symlink() and file.stat().st_size == len(body) and file.read_bytes() == body
    except OSError:
        return False


def _sign(
    call: Call, store: "Store", run: "Run", wave: "Wave", named: str, files: dict[str, Path], output: Path | None
) -> NoReturn:
    """Sign the receipt of a wave with its commit and its ledger, and write the receipt and its attestation."""
    from swarm.results.document import document_bytes
    from swarm.signing.keys import key_named
    from swarm.waves.attest.attest import Signing, attest
    from swarm.waves.look.receipt import receipt

    key = key_named(named, call.folder)
    signing = Signing(key, {role: call.folder / file for role, file in files.items()}, output)
    # One state for both: an event between receipt and head would make an honest signature look wrong.
    with store.snapshot() as conn:
        made = receipt(conn, run, wave)
        envelope, signed = attest(conn, call.workspace, run, wave, document_bytes(made), signing)
    file = Path(signed.path)
    if file.exists() and not _holds(file, envelope.text.encode()):
        raise errors.OutputNotWritable(path=str(file), problem="another attestation is there, and would be lost")
    write(file.parent, made)
    write_whole(file, envelope.text)
    call.answer(signed, lambda: _signed_lines(signed), timed=False)


def _signed_lines(signed: SignedReceipt) -> Iterator[str]:
    verdict = f"verification {signed.verdict}" if signed.verdict else "no verification of this wave"
    yield f"Wave {signed.wave_number} of {signed.run_id}, signed with {plain(signed.key_name)} (id {signed.key_id})"
    yield f"Commit: {signed.commit_sha}, {verdict}"
    yield f"Receipt: {plain(signed.receipt_path)}"
    yield f"Ledger: {signed.ledger_length:,} events, head {signed.ledger_head}"
    yield f"Attestation: {plain(signed.path)}"
    yield f"Next: {plain(signed.next_action)}"


def _verify(call: Call, file: Path, key: str | None, named: tuple[Path, ...]) -> NoReturn:
    """Check an attestation against everything that is at hand."""
    from swarm.signing.ed25519 import public_key
    from swarm.waves.attest.examine import AtHand, examine, repository_here

    at_hand = AtHand(
        public=None if key is None else public_key(key, call.folder),
        files={each.name: call.folder / each for each in named},
        git=repository_here(call.folder),
        is_named=call.names_database,
    )
    try:
        store = call.read()
    except errors.ControlPlaneMissing:
        # A control plane that nobody named may be missing: the other parts can be checked anywhere.
        if at_hand.is_named:
            raise
        checked = examine(file, at_hand)
    except (errors.ControlPlaneCorrupt, errors.ControlPlaneSchemaCorrupt, errors.ControlPlaneForeign) as error:
        checked = examine(file, at_hand._replace(problem=error.message))
    else:
        with store:
            checked = examine(file, at_hand._replace(conn=store.conn))
    call.answer(checked, lambda: _checked_lines(checked), _EXITS[checked.state], timed=False)


def _checked_lines(checked: ReceiptCheck) -> Iterator[str]:
    if checked.run_id:
        yield f"Wave {checked.wave_number} of {plain(checked.run_id)}, verdict {plain(checked.verdict or 'none')}"
    rows = [(part.part, plain(part.name), _ICONS[part.state], plain(part.detail)) for part in checked.parts]
    yield from text.table(rows, ("part", "of", "result", "why"))
    yield _ENDS[checked.state]
    if checked.state == "not_checked":
        yield f"Next: swarm receipt verify {plain(checked.file)} --key HEX, with the public key of who signed"
