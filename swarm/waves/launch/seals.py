"""Seals of handovers: the prompt as dispatch wrote it, the output and the tree as their attempt left them.

Agents without a sandbox know where the files of the others lie. What counts is what was sealed; what is found changed
afterwards is named.
"""

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from swarm import errors
from swarm.clock import iso
from swarm.documents import read_bounded
from swarm.git.diff import changes
from swarm.git.repository import Repository
from swarm.git.runner import Git, GitError
from swarm.results.collect import ViolationShown
from swarm.rules.domains import WHOLE_WAVE
from swarm.rules.states import is_ended
from swarm.store import artifacts
from swarm.store.agent_runs import AgentRun
from swarm.store.artifacts import Body, body_of
from swarm.store.attempts import Attempt
from swarm.store.waves import Wave
from swarm.waves.trees import kept_index
from swarm.waves.trees.git_folder import changed_common
from swarm.waves.trees.kept_view import as_at_dispatch
from swarm.workspace import Workspace, answer_in


def other_prompt(agent: AgentRun) -> str | None:
    """Return the digest of a prompt that is not the one that dispatch recorded, `None` for the recorded one."""
    found = _digest_of(agent.prompt_path)
    return None if found == agent.prompt_sha256 else found or "of no file"


def sealed_output(output: Path) -> Body | None:
    """Return the output of an attempt that has just succeeded; `None` where collect would not read it either."""
    try:
        return body_of(read_bounded(output))
    except errors.SwarmError:
        return None


def record_output(conn: sqlite3.Connection, agent: AgentRun, sealed: Body | None) -> None:
    """Keep a sealed output, which collect takes in place of the file."""
    if sealed is not None:
        artifacts.record_output(conn, agent.id, agent.output_path, sealed)


def sealed_tree(repository: Repository, workspace: Workspace, wave: Wave, agent: AgentRun) -> str | None:
    """Return the tree object that an amend agent leaves; `None` where collect will not take its tree either."""
    tree = kept_index.worktree_of(agent)
    if wave.is_audit or tree is None:
        return None
    folder = workspace.wave_folder(wave.run_id, wave.number)
    try:
        # A changed git folder could make git run a program of the agent's; collect reports the change.
        if changed_common(wave, repository):
            return None
        with as_at_dispatch(wave, repository) as seen:
            return kept_index.work_in(seen, tree, wave, folder, agent.worktree_branch).tree
    except (errors.SwarmError, GitError, OSError):
        return None


def late_edits(
    git: Git, agent: AgentRun, found: str, attempts: Mapping[int, Sequence[Attempt]], names: Mapping[int, str]
) -> tuple[list[ViolationShown], list[str]]:
    """Return the files of an agent's tree that other agents changed after its attempt, and those that nobody did.

    `found` is the tree object that collect finds, `names` are the domains of the wave's agents. A person may edit a
    tree while no agent works; an agent that collect has judged is not held again.
    """
    own = attempts.get(agent.id, ())
    if is_ended(agent.status) or not own or own[-1].outcome != "success" or own[-1].tree in {None, found}:
        return [], []
    ended, sealed = own[-1].ended or "", own[-1].tree or ""
    others = {names[row]: tries for row, tries in attempts.items() if row in names and row != agent.id}
    later = [name for name, tries in others.items() if any((attempt.ended or "9") > ended for attempt in tries)]
    against, by_nobody = [], []
    for path in _paths_between(git, sealed, found):
        file = Path(agent.worktree_path or "") / path
        changed = _changed(file)
        # A removed file and a moved branch show no time of their own.
        working = _working(changed, others) if changed > ended else later
        if working:
            words = f"changed after the attempt of {agent.domain} ended, while {', '.join(working)} worked"
            against.append(ViolationShown(path, WHOLE_WAVE, agent.domain, words))
        else:
            by_nobody.append(path)
    return against, by_nobody


def _paths_between(git: Git, sealed: str, found: str) -> list[str]:
    try:
        seen = changes(git, sealed, found, renames=False)
    except GitError:
        # Nothing held the sealed tree, and git has let it go: the tree as a whole is named.
        return ["."]
    return sorted({change.new_path for change in seen})


def broken_seals(
    agents: Sequence[AgentRun], attempts: Mapping[int, Sequence[Attempt]], sealed: Mapping[int, str]
) -> list[ViolationShown]:
    """Return the prompts and outputs that were changed after the attempt of their agent had ended.

    `attempts` are by agent run, `sealed` the digests of outputs. An agent that collect has judged is not held again:
    `revalidate` passes a wave whose changes a person has looked at.
    """
    names = {agent.id: agent.domain for agent in agents}
    found = []
    for agent in agents:
        own = attempts.get(agent.id, ())
        if is_ended(agent.status) or not own or own[-1].outcome != "success":
            continue
        files = {}
        # What an agent does to its own prompt while it works changes nothing that anybody reads.
        if _changed(Path(agent.prompt_path)) > (own[-1].ended or ""):
            files[agent.prompt_path] = agent.prompt_sha256
        if agent.id in sealed:
            files[agent.output_path] = sealed[agent.id]
            inside = answer_in(Path(agent.worktree_path or agent.output_path))
            # An agent that printed its answer left no file there.
            if agent.worktree_branch and _changed(inside) > (own[-1].ended or ""):
                files[str(inside)] = sealed[agent.id]
        for file, digest in files.items():
            if _digest_of(file) != digest:
                others = {names[row]: tries for row, tries in attempts.items() if row in names and row != agent.id}
                words = f"changed after the attempt of {agent.domain} ended, {_moment(Path(file), others)}"
                shown = "/".join(Path(file).parts[-3:])
                found.append(ViolationShown(shown, WHOLE_WAVE, agent.domain, words))
    return found


def _digest_of(file: str) -> str | None:
    try:
        return hashlib.sha256(read_bounded(Path(file))).hexdigest()
    except errors.SwarmError:
        return None


def _changed(file: Path) -> str:
    try:
        # The inode's own time: a process can set the time of the content as it likes.
        return iso(file.lstat().st_ctime)
    except OSError:
        return ""


def _moment(file: Path, others: Mapping[str, Sequence[Attempt]]) -> str:
    """Return when a file was changed, and which agents worked then."""
    changed = _changed(file)
    if not changed:
        return "and is missing"
    working = _working(changed, others)
    return f"at {changed}" + (f", while {', '.join(working)} worked" if working else "")


def _working(moment: str, others: Mapping[str, Sequence[Attempt]]) -> list[str]:
    """Return the agents that worked at a moment."""
    # From the row of the attempt on: its process is noted when it has begun already.
    return [
        name
        for name, tries in others.items()
        if any(attempt.created <= moment <= (attempt.ended or moment) for attempt in tries)
    ]
