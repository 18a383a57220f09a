"""`swarm receipt`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from swarm.cli import completions
from swarm.cli.call import Call
from swarm.cli.options import key_option, usage, verb
from swarm.cli.receipt_files import keep, write
from swarm.cli.receipt_signing import sign_wave, verify_file
from swarm.results.receipt import WaveReceipt
from swarm.rules.states import WaveStatus
from swarm.show.receipt import receipt_lines

if TYPE_CHECKING:
    from swarm.store.connection import Store
    from swarm.store.runs import Run
    from swarm.store.waves import Wave

_file = click.Path(path_type=Path)


@verb(formats=("text", "markdown", "json"))
@click.argument("words", nargs=-1, metavar="[RUN] [WAVE] | verify FILE", shell_complete=completions.runs)
@click.option("--output", metavar="FOLDER", type=_file, help="Also write receipt.json and receipt.md into FOLDER.")
@key_option(
    "Sign it with a key of yours, into FOLDER or a folder of the run; without KEY with your only key.",
    metavar="[KEY]",
    is_flag=False,
    flag_value="",
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
    such a file: signature, subject, ledger and record, each by itself. Exit 0: it is signed, and all that could be
    checked holds; 1: something does not hold; 2: the signature could not be checked.
    """
    from swarm.waves.selection import select_wave, split_run_and_wave

    files = {role: file for role, file in (("sarif", sarif), ("record", record)) if file is not None}
    if words[:1] == ("verify",):
        if len(words) != 2 or sign is not None or files or output is not None:  # noqa: PLR2004
            raise usage("verify takes a FILE, and of the options --key and --file", "receipt verify")
        verify_file(call, call.folder / words[1], key, named)
    if len(words) > 2:  # noqa: PLR2004
        raise usage("it takes a run and a wave at most", "receipt")
    if key is not None or named or (files and sign is None):
        raise usage("--key and --file go with verify, --sarif and --record with --sign", "receipt")
    run_named, number = split_run_and_wave(words)
    with call.read() as store:
        run = call.run(store, run_named)
        wave = select_wave(store.conn, run, number)
        if sign is not None:
            sign_wave(call, store, run, wave, sign, files, output)
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
