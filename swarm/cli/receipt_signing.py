"""`receipt --sign` and `receipt verify`: attestations written and checked."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from swarm import errors
from swarm.cli.call import Call
from swarm.cli.receipt_files import holds, write
from swarm.files import write_whole
from swarm.results.document import document_bytes
from swarm.results.receipt import ReceiptCheck, SignedReceipt
from swarm.show import text
from swarm.show.escape import plain

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


def sign_wave(
    call: Call, store: "Store", run: "Run", wave: "Wave", named: str, files: Mapping[str, Path], output: Path | None
) -> NoReturn:
    """Sign the receipt of a wave with its commit and its ledger, and write the receipt and its attestation."""
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
    if file.exists() and not holds(file, envelope.text.encode()):
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


def verify_file(call: Call, file: Path, key: str | None, named: tuple[Path, ...]) -> NoReturn:
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
