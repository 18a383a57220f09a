"""Files that no agent may touch while a wave is in flight."""

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from swarm.ahead import begun
from swarm.git import sentinel, sentinel_changes
from swarm.git.blocking_files import Blocking, blocking_files, largest_file
from swarm.git.repository import Repository
from swarm.git.sentinel_changes import Deviation
from swarm.results.collect import ViolationShown
from swarm.rules.domains import WHOLE_WAVE
from swarm.rules.ownership import OwnershipMap
from swarm.store import artifacts, attempts
from swarm.store.agent_runs import AgentRun
from swarm.store.waves import Wave
from swarm.waves.collect.outputs import Intake
from swarm.waves.launch import seals
from swarm.waves.trees import git_folder, kept_index

_MOST_NAMED: Final = 10


class Watched(NamedTuple):
    """Changes outside of the agents' worktrees. With `may_probe`, git may be run in the worktrees."""

    violations: list[ViolationShown]
    notes: tuple[str, ...]
    may_probe: bool


def watched(wave: Wave, repository: Repository) -> Watched:
    """Compare the git folder and the primary checkout with their fingerprints taken at dispatch."""
    kept = wave.sentinel
    against, noted = git_folder.common_changes(wave, repository)
    notes = tuple(f".git/{change.file}: {change.words}" for change in noted)
    if against:
        # A changed git folder could make git run a command of the agent's: then no worktree is compared.
        return Watched(_by_file(against), notes, may_probe=False)
    if kept.primary is None:
        return Watched([], notes, may_probe=True)
    now = sentinel.fingerprint_primary(repository, kept.primary)
    changed = sentinel_changes.primary_changes(repository, wave.dispatch_sha, kept.primary, now)
    if kept.branch is not None and repository.branch != kept.branch:
        detail = f"{kept.branch} → {repository.branch or 'detached'}; `git switch {kept.branch}` goes back"
        changed.insert(0, Deviation("HEAD", detail))
    found = [ViolationShown(change.name, WHOLE_WAVE, "primary checkout", change.detail) for change in changed]
    return Watched(found, notes, may_probe=True)


def changed_handovers(conn: sqlite3.Connection, wave: Wave, agents: Sequence[AgentRun]) -> list[ViolationShown]:
    """Return the prompts and outputs that were changed after the attempt of their agent had ended."""
    return seals.broken_seals(agents, attempts.of_wave(conn, wave.id), artifacts.output_digests(conn, wave.id))


def changed_trees(
    conn: sqlite3.Connection, wave: Wave, repository: Repository, intakes: Sequence[Intake]
) -> tuple[list[ViolationShown], list[str]]:
    """Return the edits of others in the trees of launched agents, and notes on edits that no agent made."""
    names = {taken.agent.id: taken.agent.domain for taken in intakes}
    tries = attempts.of_wave(conn, wave.id)
    violations, notes = [], []
    for taken in intakes:
        if taken.work is None or not wave.isolated:
            continue
        against, by_nobody = seals.late_edits(repository.git, taken.agent, taken.work.tree, tries, names)
        violations += against
        if by_nobody:
            named = ", ".join([*by_nobody[:_MOST_NAMED], *(["…"] if len(by_nobody) > _MOST_NAMED else [])])
            notes.append(f"{taken.agent.domain}: changed after its attempt, while no agent worked: {named}")
    return violations, notes


def _by_file(against: Sequence[Deviation]) -> list[ViolationShown]:
    """Return a violation for each file of the git folder, with everything that changed in the file."""
    words: dict[str, list[str]] = {}
    for change in against:
        words.setdefault(f".git/{change.file}", []).append(f"{change.words}")
    return [ViolationShown(file, WHOLE_WAVE, "coordinator", "; ".join(found)) for file, found in words.items()]


def answered_for(wave: Wave, repository: Repository) -> tuple[Wave, list[ViolationShown]]:
    """Return a wave whose sentinel has the git folder and the checkout as they are now, and what changed in them.

    Each fingerprint is taken before its changes are listed: a later change counts against the wave again.
    """
    kept = wave.sentinel
    common = kept._replace(common=sentinel.fingerprint_common(repository.common_dir, wave.run_id))
    outside = watched(wave, repository)
    found: list[ViolationShown] = []
    if not outside.may_probe:
        found, wave = outside.violations, wave.with_sentinel(common)
    if kept.primary is None:
        return wave, found
    primary = sentinel.fingerprint_primary(repository, kept.primary)
    # Again, with the new sentinel: the checkout is only compared once the git folder counts as unchanged.
    here = watched(wave, repository)
    if here.may_probe and here.violations:
        branch = repository.branch if kept.branch else None
        wave = wave.with_sentinel(wave.sentinel._replace(primary=primary, branch=branch))
    return wave, [*found, *here.violations] if here.may_probe else found


def shared_tree_violations(
    repository: Repository, wave: Wave, folder: Path, owners: OwnershipMap, blocking: Blocking | None = None
) -> list[ViolationShown]:
    """Return the files that were touched in the tree that a wave's analyzers share."""
    if wave.shared_tree is None or not Path(wave.shared_tree).is_dir():
        return []
    seen = kept_index.touched_in(repository, Path(wave.shared_tree), wave, folder, None, blocking)
    found = []
    for file in seen:
        owner = owners.owner_of(file.path)
        found.append(ViolationShown(file.path, WHOLE_WAVE, owner.name if owner else "unassigned"))
    return found


def begun_in_shared_tree(
    repository: Repository, wave: Wave, folder: Path, owners: OwnershipMap, outside: Watched
) -> Callable[[], list[ViolationShown]]:
    """Begin `shared_tree_violations` where git may be run in worktrees; return a function that waits for its end."""
    if not outside.may_probe or wave.shared_tree is None:
        return list
    # Before the thread: there, each of its many short calls would wait for the interpreter, and git begin late.
    blocking = blocking_files(Path(wave.shared_tree), repository.common_dir, largest_file())
    return begun(partial(shared_tree_violations, repository, wave, folder, owners, blocking))
