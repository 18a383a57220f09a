"""`swarm trust`."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import click

from swarm import config, errors
from swarm.cli.call import Call, write
from swarm.cli.options import usage, verb
from swarm.results.trust import TrustResult
from swarm.show import text
from swarm.show.escape import plain
from swarm.workspace import refuse_agents


@verb()
@click.argument("path", type=click.Path(path_type=Path), required=False)
@click.option("--check", is_flag=True, help="Only show the parts; exit 1 where they are not trusted.")
@click.option("--list", "listed", is_flag=True, help="List what this user has trusted.")
@click.option("--revoke", "--remove", "remove", is_flag=True, help="Withdraw the trust.")
@click.option("--wave", "run", metavar="RUN", help="Take over the newest wave of RUN, as if you had dispatched it.")
@click.option("--yes", is_flag=True, help="Do not ask on a terminal.")
def command(
    call: Call, path: Path | None, run: str | None, *, check: bool, listed: bool, remove: bool, yes: bool
) -> None:
    """Show the programs that a swarm.toml names, and trust them: runtimes, build steps, and their environment.

    PATH is a swarm.toml or its folder; by default the file in force here. The record holds the path, the owner and a
    digest of these parts, so that a change of them asks again. It lies in your own state folder, never in a repository.

    A wave that came with a control plane, or that you dispatched before your home or machine moved, is not launched,
    collected, resumed or merged until `--wave` takes it over: its prompts, worktrees and work count as yours then.
    """
    from swarm.waves.setup.trust import all_trusted, looked_at
    from swarm.waves.setup.trust import trust as record

    refuse_agents(call.folder, os.environ)
    if check + listed + remove > 1 or (listed and path is not None):
        raise usage("--check, --list and --revoke exclude each other, and --list takes no PATH", "trust")
    if run is not None:
        if listed or remove or path is not None:
            raise usage("--wave takes neither PATH nor --list nor --revoke", "trust")
        _take_over(call, run, check=check, yes=yes)
    if listed:
        every = all_trusted()
        call.answer(every, lambda: _listed(every))
    folders = call.config_folders() if path is None else (_folder(call.folder / path),)
    if remove:
        _remove(call, folders)
    found = call.unjudged_config(*folders)
    result = looked_at(found, call.trust)
    if check or found is None or not found.executable:
        call.answer(result, lambda: _lines(result), int(not result.is_trusted))
    _hold_to_word(call, result, yes=yes)
    trusted = record(found)
    call.answer(trusted, lambda: _lines(trusted))


def _folder(named: Path) -> Path:
    """Return the folder of a configuration that was named by its file or its folder."""
    if named.name == config.FILE_NAME:
        return named.parent
    if not named.is_dir():
        raise usage(f"PATH is a {config.FILE_NAME} or its folder; got '{errors.shortened(str(named))}'", "trust")
    return named


def _remove(call: Call, folders: tuple[Path, ...]) -> NoReturn:
    """Remove the record of the first folder that has one: the file itself may be there no more."""
    from swarm.waves.setup.trust import withdrawn

    result = withdrawn(*folders)
    line = f"Withdrawn: {result.path}" if result.removed else "There was no record; `swarm trust --list` lists all."
    call.answer(result, lambda: [plain(line)])


def _take_over(call: Call, named: str, *, check: bool, yes: bool) -> NoReturn:
    """Make the wave in flight of a run this user's own."""
    from swarm.waves.setup.trust import trust_wave, wave_looked_at, wave_to_trust

    with call.read() as store:
        wave = wave_to_trust(store.conn, call.run(store, named))
        seen = wave_looked_at(store.conn, call.workspace, wave, call.trust)
        if check:
            call.answer(seen, lambda: _wave_lines(seen), int(not seen.is_trusted))
        _hold_to_word(call, seen, yes=yes)
        taken = trust_wave(store.conn, call.workspace, wave)
    call.answer(taken, lambda: _wave_lines(taken))


def _hold_to_word(call: Call, result: TrustResult, *, yes: bool) -> None:
    """Ask a person on a terminal, and end the call without a record where the person says no."""
    if yes or not (text.is_terminal() and sys.stdin.isatty()):
        return
    for line in _wave_lines(result) if result.wave else _lines(result):
        write(line)
    if not click.confirm("Trust this wave?" if result.wave else "Trust these parts?"):
        call.answer(result, lambda: ["Nothing was recorded."], exit_code=1)


def _wave_lines(result: TrustResult) -> Iterator[str]:
    wave = result.wave
    if wave is None:
        return
    yield f"Run {wave.run_id}, wave {wave.number} ({wave.phase}) of commit {wave.commit[:12]}"
    yield f"Runtime: {plain(wave.runtime or 'none named')}; agents: {', '.join(map(plain, wave.agents))}"
    if result.record:
        yield plain(f"✓ Yours until it ends. Record: {result.record}")
        yield f"Next: swarm status {wave.run_id}"
    elif result.is_trusted:
        yield "✓ Yours."
    else:
        yield f"⊘ Not dispatched by you on this machine. Next: swarm trust --wave {wave.run_id}"


def _lines(result: TrustResult) -> Iterator[str]:
    if result.path is None:
        yield f"There is no {config.FILE_NAME} here."
        return
    yield plain(f"{result.path} of user {result.owner}" + _target(result))
    for name, part in result.parts.items():
        yield f"[{plain(name)}]"
        for item in part if isinstance(part, list) else [part]:
            yield f"  {plain(json.dumps(item, ensure_ascii=False))}"
    if not result.parts:
        yield "It names no program, so there is nothing to trust."
        return
    yield f"Digest: {result.digest}"
    if result.record:
        yield plain(f"✓ Trusted until one of these parts changes. Record: {result.record}")
    elif result.is_trusted:
        yield "✓ Trusted."
    else:
        yield "⊘ Not trusted, so none of this is run. Next: swarm trust"


def _target(result: TrustResult) -> str:
    return "" if result.path == result.real_path else f", a link to {result.real_path}"


def _listed(result: TrustResult) -> Iterator[str]:
    if not result.trusted:
        yield "This user has trusted no configuration."
        return
    rows = [(plain(each.path), each.digest, each.trusted_at) for each in result.trusted]
    yield from text.table(rows, ("configuration", "digest", "trusted"))
