"""`trust`: the executable parts of a `swarm.toml` shown, and trusted by a record."""

import sqlite3
from pathlib import Path

from swarm import clock, errors
from swarm import trust as records
from swarm.config import FILE_NAME, Unjudged
from swarm.results.trust import TrustedShown, TrustResult, WaveTaken
from swarm.store import agent_runs
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.trust import Trust
from swarm.waves.dispatched_here import is_own, mark, waves_to_go_on_with
from swarm.workspace import Workspace

NOTHING = TrustResult(path=None, real_path=None, owner=None, digest=None, parts={}, is_trusted=True)


def looked_at(found: Unjudged | None, trust: Trust) -> TrustResult:
    """Return the executable parts of a configuration, and whether they count, without a change."""
    if found is None:
        return NOTHING
    return TrustResult(
        path=str(found.place.path),
        real_path=str(found.place.real_path),
        owner=found.place.owner,
        digest=found.digest,
        parts=dict(found.executable),
        is_trusted=not found.executable or trust.covers(found.place, found.digest),
    )


def trust(found: Unjudged) -> TrustResult:
    """Record the executable parts of a configuration, as they were read, as trusted. Raises TrustRecordUnusable."""
    file = records.record(found.place, found.digest, clock.now())
    return looked_at(found, Trust(everything=True))._replace(record=str(file))


def withdrawn(*folders: Path) -> TrustResult:
    """Remove the record of the first folder that has one: of a configuration that may be there no more."""
    places = [folder.resolve() / FILE_NAME for folder in folders]
    place = next((place for place in places if records.remove(place)), None)
    shown = NOTHING._replace(is_trusted=False)
    return shown if place is None else shown._replace(path=str(place), removed=True)


def all_trusted() -> TrustResult:
    """Return every record of this user. Raises TrustRecordUnusable, OwnedByAnotherUser."""
    shown = tuple(TrustedShown(each.path, each.digest, each.trusted_at) for each in records.records())
    return NOTHING._replace(trusted=shown)


def wave_looked_at(conn: sqlite3.Connection, workspace: Workspace, wave: Wave, trust: Trust) -> TrustResult:
    """Return a wave, and whether this user may continue it, without a change."""
    agents = tuple(agent.domain for agent in agent_runs.current(conn, wave.id))
    shown = WaveTaken(wave.run_id, wave.number, wave.phase, wave.dispatch_sha, wave.runtime, agents)
    return NOTHING._replace(is_trusted=is_own(conn, workspace, wave, trust), wave=shown)


def trust_wave(conn: sqlite3.Connection, workspace: Workspace, wave: Wave) -> TrustResult:
    """Mark a wave as this user's own. Raises TrustRecordUnusable."""
    # Whoever takes a run over takes its unmerged work with it.
    for older in waves_to_go_on_with(conn, wave.run_id):
        mark(conn, workspace.database, older)
    file = mark(conn, workspace.database, wave)
    return wave_looked_at(conn, workspace, wave, Trust(everything=True))._replace(record=str(file))


def wave_to_trust(conn: sqlite3.Connection, run: Run) -> Wave:
    """Return the newest wave of a run that commands can go on with. Raises NoWaveToLaunch."""
    if not (found := waves_to_go_on_with(conn, run.id)):
        raise errors.NoWaveToLaunch(run_id=run.id)
    return found[0]
