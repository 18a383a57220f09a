"""Outputs of agents, read, validated and compared with the edits that git shows."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from sys import intern
from typing import Any, Final, NamedTuple

from swarm import errors
from swarm.documents import LONGEST_PROBLEM, MOST_PROBLEMS, read_bounded
from swarm.files import is_in_place
from swarm.git.agent_work import Touched, Work
from swarm.git.repository import Repository
from swarm.results.collect import Divergence, Problem, ViolationShown
from swarm.rules.anchors import Anchor
from swarm.rules.fingerprints import Report, fingerprint_at
from swarm.rules.ownership import UNASSIGNED, OwnershipMap
from swarm.rules.states import AgentRunStatus, is_ended
from swarm.runtimes.answer_form import envelope_problems
from swarm.runtimes.answer_items import Sifted, read_items
from swarm.store.agent_runs import AgentRun
from swarm.store.artifacts import Body, body_of
from swarm.store.file_claims import FileClaim
from swarm.store.waves import Wave
from swarm.waves.collect.own_paths import own_trees, with_own_paths
from swarm.waves.trees.answers import written_answer
from swarm.waves.trees.kept_index import touched_in, worktree_of
from swarm.workspace import workspace_above

STORED_ERROR: Final = LONGEST_PROBLEM

_LAST_COLUMN: Final = 2**31


class Intake(NamedTuple):
    """An agent run as collect finds it. `target` is its next state, `None` where it stays in its state.

    `output` is the output without its findings and features, which are kept until they are located; `reported` counts
    them. `refused` explains the first items, and the parts of a SARIF log, that do not count; `refused_count`
    counts all of them. Silence proves nothing about `refused_files`. `positions` are those of the items in each
    list, where an item was refused. With `is_partial`, an analyzer of the domain has failed, and what the others found
    counts. `is_log` holds where the output is a SARIF log that somebody handed in.
    """

    agent: AgentRun
    target: AgentRunStatus | None
    output: dict[str, Any]
    path: str
    body: Body | None
    problems: tuple[Problem, ...] = ()
    claims: tuple[FileClaim, ...] = ()
    violations: tuple[ViolationShown, ...] = ()
    findings: Sequence[Mapping[str, Any]] = ()
    features: Sequence[Mapping[str, Any]] = ()
    reported: int = 0
    work: Work | None = None
    divergence: Divergence | None = None
    shared_edits: tuple[str, ...] = ()
    refused: tuple[Problem, ...] = ()
    refused_count: int = 0
    refused_files: frozenset[str] = frozenset()
    positions: Mapping[str, Sequence[int]] = {}
    is_partial: bool = False
    is_log: bool = False

    @property
    def status(self) -> AgentRunStatus:
        """The state of the agent run after collect."""
        return self.target or self.agent.status

    @property
    def is_complete(self) -> bool:
        """Whether the agent run came to its end, so that its silence may prove something."""
        return self.status is AgentRunStatus.COMPLETE

    @property
    def counts(self) -> bool:
        """Whether the findings of the agent run count."""
        return self.is_complete or self.is_partial


def take_in(agent: AgentRun, wave: Wave, root: Path, named: Path | None, recorded: tuple[str, bytes] | None) -> Intake:
    """Read and validate the output of an agent. A bad output becomes a state of the agent run, never an error.

    `root` is the checkout.
    """
    if named is not None:
        # What a person hands in was found by no analyzer that this machine ran.
        agent = agent._replace(analyzer=None)
    # A complete agent is never read anew from its file: an agent could change the file after its wave failed.
    if is_ended(agent.status) and named is None:
        return _taken_before(agent, wave, root, recorded)
    if recorded is not None and named is None:
        # Sealed when the attempt ended: the file may have been changed by another agent since.
        return _judged(Path(recorded[0]), recorded[1], agent, wave, root)._replace(body=None)
    file = named or written_answer(agent, wave)
    # A file that the caller names may be anywhere; the agent's own folder must not lead elsewhere by a link.
    above = workspace_above(Path(agent.output_path).parent)
    if named is None and os.path.lexists(file.parent) and not is_in_place(file.parent, above):
        linked = Problem("PATH_UNSAFE", str(file), "a link stands in the place of its folder")
        return Intake(agent, AgentRunStatus.INVALID_OUTPUT, {}, str(file), None, (linked,))
    try:
        body = read_bounded(file)
    except errors.SwarmError as error:
        # A dangling link is no missing output: the agent put something there.
        is_missing = not file.exists() and not file.is_symlink()
        target = AgentRunStatus.FAILED if is_missing else AgentRunStatus.INVALID_OUTPUT
        problem = "there is no output" if is_missing else error.message
        return Intake(agent, target, {}, str(file), None, (Problem(error.code, str(file), problem),))
    return _judged(file, body, agent, wave, root)


def _judged(file: Path, body: bytes, agent: AgentRun, wave: Wave, root: Path) -> Intake:
    invalid = Intake(agent, AgentRunStatus.INVALID_OUTPUT, {}, str(file), body_of(body))
    try:
        parted = _parted(file, body, agent, wave, root)
    except errors.SwarmError as error:
        return invalid._replace(problems=(Problem(error.code, str(file), error.message),))
    if wrong := _envelope_problems(parted, file, agent, wave):
        return invalid._replace(problems=wrong)
    return _divided(invalid._replace(target=AgentRunStatus.COMPLETE), parted, wave, root)


def _taken_before(agent: AgentRun, wave: Wave, root: Path, recorded: tuple[str, bytes] | None) -> Intake:
    if agent.status is AgentRunStatus.COMPLETE and recorded is not None:
        path, body = recorded
        taken = Intake(agent, None, {}, path, None)
        return _divided(taken, _parted(Path(path), body, agent, wave, root), wave, root)
    problem = Problem(f"AGENT_{agent.status.upper()}", agent.output_path, agent.error or agent.status)
    failed = Intake(agent, None, {}, agent.output_path, None, (problem,))
    if recorded is None or not agent.analyzers:
        return failed
    path, body = recorded
    partial = failed._replace(path=path, is_partial=True)
    return _divided(partial, _parted(Path(path), body, agent, wave, root), wave, root)


def _parted(file: Path, body: bytes, agent: AgentRun, wave: Wave, root: Path) -> Sifted:
    """Return the output in a file, with its items parted into those that fit and those that do not."""
    trees = (*own_trees(agent, wave, root), *([Path(wave.shared_tree)] if wave.shared_tree else []), root)
    return read_items(body, file.name, _shown(file), trees, agent.domain, wave.phase, wave.kind)


def _shown(file: Path) -> str:
    # A long path would fill the stored error and leave no room for the problem.
    return file.name if len(str(file)) > STORED_ERROR // 2 else str(file)


def _envelope_problems(parted: Sifted, file: Path, agent: AgentRun, wave: Wave) -> tuple[Problem, ...]:
    found = envelope_problems(parted, agent.domain, wave.phase, wave.kind)
    invalid = [errors.AgentOutputSchemaInvalid(path=_shown(file), problem=problem) for problem in found]
    return tuple(Problem(error.code, str(file), error.message[:STORED_ERROR]) for error in invalid[:MOST_PROBLEMS])


def probe(taken: Intake, repository: Repository, wave: Wave, folder: Path, owners: OwnershipMap) -> Intake:
    """Compare an audit agent's tree with the wave's commit. Every file that it touched is a violation."""
    agent = taken.agent
    if not wave.isolated or (wave.shared_tree is not None and agent.worktree_branch is None):
        # `shared_tree_violations` compares the tree that analyzers share.
        return taken
    # Without a worktree nothing shows what an isolated agent touched.
    if (tree := worktree_of(agent)) is None:
        return without_tree(taken)
    # Git's own comparison, whatever the agent says: an audit may touch nothing.
    seen = touched_in(repository, tree, wave, folder, agent.worktree_branch)
    claims = tuple(_claim(file, owners) for file in seen)
    violations = tuple(
        ViolationShown(claim.path, agent.domain, claim.owner or UNASSIGNED) for claim in claims if claim.violation
    )
    target = violated(taken) if violations else taken.target
    return taken._replace(target=target, claims=claims, violations=violations)


def without_tree(taken: Intake) -> Intake:
    """Return the intake of an agent whose worktree was removed or replaced."""
    place = taken.agent.worktree_path or taken.agent.output_path
    problem = Problem("WORKTREE_GONE", place, "its worktree is gone or was replaced")
    return taken._replace(target=violated(taken), problems=(*taken.problems, problem))


def violated(taken: Intake) -> AgentRunStatus | None:
    """Return the state that a violation brings an agent run to."""
    # A state that an earlier collect recorded stays: the wave fails by its violation all the same.
    taken_before = taken.target is None and is_ended(taken.agent.status)
    return None if taken_before else AgentRunStatus.OWNERSHIP_VIOLATION


def _claim(file: Touched, owners: OwnershipMap) -> FileClaim:
    owner = owners.owner_of(file.path)
    name = owner.name if owner else None
    # Reports of an audit name no files, so `reported` is false; any edit of an audit is a violation.
    return FileClaim(file.path, file.kind, observed=True, reported=False, owner=name, violation=True)


def _divided(taken: Intake, parted: Sifted, wave: Wave, root: Path) -> Intake:
    """Part the findings and the features of an output from the rest of it."""
    output = with_own_paths(parted.answer, own_trees(taken.agent, wave, root), root)
    refused = tuple(Problem(*item) for item in parted.refused)
    taken = taken._replace(refused=refused, refused_count=parted.total, positions=parted.positions)
    if wave.is_review:
        # A reviewer gives verdicts: what it reports beside them is no finding of an audit.
        return taken._replace(output={"reviews": output.get("reviews", ())})
    found, wished = output.pop("findings", ()), output.pop("features", ())
    output.pop("refused", None)
    return taken._replace(
        output=output,
        findings=found,
        features=wished,
        reported=len(found) + len(wished),
        refused_files=parted.files,
        is_log=parted.is_log,
    )


def report_of(taken: Intake, kind: str, said: Mapping[str, Any], domain: str, anchor: Anchor | None) -> Report:
    """Return a finding or a feature of an output as a report; the priority of a feature is its severity.

    The anchor holds the line's text, so that the report keeps no quote.
    """
    # The JSON parser makes every string anew: interned, a word that thousands of findings share is held once.
    rule_id, symbol, description = said.get("rule_id"), said.get("symbol"), said["description"]
    severity, category = intern(said["severity" if kind == "defect" else "priority"]), intern(said["category"])
    # A JSON Schema integer may be written 3.0, or 1e19, which SQLite cannot hold.
    column = min(int(column), _LAST_COLUMN) if (column := said.get("column")) else 0
    analyzer = _analyzer(taken.agent.analyzers, said) if taken.agent.analyzer and kind == "defect" else None
    # Only of a log: an agent that names a tool beside its findings has not run it.
    tool = said.get("tool") if taken.is_log and analyzer is None else None
    # An analyzer may name a rule on a line twice: `identified` tells such reports apart, and reads a rule of them all.
    fingerprint = "" if rule_id else fingerprint_at(anchor, category, domain, description)
    # In the order of the fields, since by keyword a report takes twice as long.
    advice, fixable = said.get("recommendation") or None, said.get("fixable") is True
    words = (said["id"], severity, category, rule_id and intern(rule_id), description, advice)
    named = (*words, symbol and intern(symbol), column, domain, taken.agent.id)
    return Report._make((*named, anchor, kind, analyzer, fixable, tool, 0, fingerprint))


def _analyzer(analyzers: Mapping[str, str], finding: Mapping[str, Any]) -> str | None:
    """Return the analyzer of a finding, among those that `launch` ran: an agent cannot call itself one."""
    tool = finding.get("analyzer")
    # Older outputs name no tool: a single analyzer had made them.
    return analyzers.get(tool) if isinstance(tool, str) else next(iter(analyzers.values()), None)
