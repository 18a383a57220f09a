"""`swarm keys new`, `list` and `show`."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from swarm import errors
from swarm.cli import completions
from swarm.cli.call import Call
from swarm.cli.options import verb
from swarm.cli.shared_options import shared_options
from swarm.results.keys import KeyShown, KeysResult
from swarm.show import text
from swarm.show.escape import plain
from swarm.workspace import refuse_agents

if TYPE_CHECKING:
    from swarm.signing.keys import SigningKey

_USE: Final = "swarm receipt --sign"


@click.group(context_settings={"max_content_width": 100})
@shared_options(hidden=True)
def command() -> None:
    """Make, list and show the keys that sign receipts and dispatches.

    Keys are of the kind ed25519. Each is a file that only you can read, in your configuration folder; a folder inside
    of a repository is refused.
    """


@verb(named="keys")
@click.argument("name", default="default")
def new(call: Call, name: str) -> None:
    """Make a key, by default of the name `default`; a key that is there is never replaced."""
    from swarm.signing import keys

    refuse_agents(call.folder, os.environ)
    made = keys.new(name)
    result = _result(keys.keys_folder(), (shown(made),), f"{_USE} {made.name}")
    call.answer(result, lambda: (f"Made {plain(str(made.path))}", *_key_lines(result)))


@verb(named="keys")
def listed(call: Call) -> None:
    """List your keys."""
    from swarm.signing import keys

    refuse_agents(call.folder, os.environ)
    found = tuple(map(_shown_file, keys.files()))
    result = _result(keys.keys_folder(), found, _USE if found else "swarm keys new")
    call.answer(result, lambda: _list_lines(result))


@verb(named="keys")
@click.argument("name", default="", metavar="[NAME|ID]", shell_complete=completions.keys)
@click.option("--pem", is_flag=True, help="Print the public key alone, as PEM, for other programs.")
def show(call: Call, name: str, *, pem: bool) -> None:
    """Show the public key of a key, by its name, its id or its file; by default that of your only key."""
    from swarm.signing import keys

    refuse_agents(call.folder, os.environ)
    found = keys.key_named(name, call.folder)
    result = _result(found.path.parent, (shown(found),), f"{_USE} {found.name}")
    call.answer(result, lambda: (result.keys[0].public_key_pem or "").splitlines() if pem else _key_lines(result))


def _result(folder: Path, keys: tuple[KeyShown, ...], next_action: str) -> KeysResult:
    return KeysResult(str(folder), keys, next_action)


def shown(key: "SigningKey") -> KeyShown:
    """Return the record of a key."""
    from swarm.signing.ed25519 import public_pem

    return KeyShown(key.name, key.id, key.public.hex(), public_pem(key.public), str(key.path))


def _shown_file(file: Path) -> KeyShown:
    """Return the record of the key of a file, which may be unusable."""
    from swarm.signing import keys

    try:
        return shown(keys.read(file))
    except (errors.KeyUnusable, errors.OwnedByAnotherUser) as error:
        return KeyShown(file.stem, None, None, None, str(file), error.message)


def _list_lines(result: KeysResult) -> Iterator[str]:
    if not result.keys:
        yield f"You have no key in {plain(result.folder)}."
    else:
        rows = [
            (plain(key.name), key.id or "", key.public_key or f"⊘ {plain(key.problem or '')}") for key in result.keys
        ]
        yield from text.table(rows, ("key", "id", "public key"))
    yield f"Next: {result.next_action}"


def _key_lines(result: KeysResult) -> Iterator[str]:
    (key,) = result.keys
    yield f"Key: {plain(key.name)}, id {key.id}"
    yield f"Public key: {key.public_key}"
    yield from (key.public_key_pem or "").splitlines()
    yield f"Next: {result.next_action}"


command.add_command(new, "new")
command.add_command(listed, "list")
command.add_command(show, "show")
