"""Plans of the agents of a wave: prompt, worktree and assigned findings of each, for dispatch and redispatch alike."""

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple

from swarm.files import make_folder, write_whole
from swarm.git.worktrees import Tree
from swarm.rules.domains import Domain
from swarm.rules.phases import is_audit
from swarm.store import agent_runs, assignments
from swarm.store.agent_runs import NewAgentRun
from swarm.store.findings import Finding
from swarm.waves.dispatch.prompts import Briefing, Prompt, Setting, write_prompt
from swarm.waves.dispatch.review_prompts import write_review_prompt
from swarm.workspace import answer_in


class WaveGround(NamedTuple):
    """Facts of a wave that the plans of all its agents share.

    `root` is where agents without a worktree work. `owned` holds the files of each domain at the wave's commit, `paths`
    all files, `leased` the files that a domain may edit beside its own, `drifted` the ids of findings whose line was
    rewritten, `claimed` those whose fix is claimed, with the file that the fix names. `retry` says what an earlier wave
    of these findings ended with. `code` holds the lines around each finding of a review, and is `None` for other waves.
    `answers_in_trees` says that agents with a tree of their own answer there.
    """

    setting: Setting
    folder: Path
    root: Path
    owned: Mapping[str, Sequence[str]]
    paths: Sequence[str]
    leased: Mapping[str, AbstractSet[str]]
    drifted: AbstractSet[str]
    answers_in_trees: bool
    claimed: Mapping[str, str] = {}
    retry: str = ""
    code: Mapping[int, Sequence[str]] | None = None

    def sparse_set(self, domain: str, files: Sequence[str] | None) -> tuple[str, ...] | None:
        """Return the files of a sparse worktree with the leased ones of the commit, `None` for a whole worktree."""
        if files is None:
            return None
        # Only files of the commit: a lease may name a file that is still to be created.
        return tuple(sorted({*files, *self.leased.get(domain, ())} & set(self.paths)))


class PlannedAgent(NamedTuple):
    """An agent of a wave, before its row is written. `assigned` are the findings (rows) to fix, or to review.

    The agent writes to `answer_path`; everybody else reads the copy that is kept at `output_path`.
    """

    domain: Domain
    files: tuple[str, ...]
    prompt_path: Path
    output_path: Path
    answer_path: Path
    tree: Tree | None
    prompt: Prompt
    assigned: tuple[int, ...] = ()

    @property
    def checked_out(self) -> int | None:
        """The number of files in a sparse worktree, `None` where the agent sees all files."""
        return _checked_out(self.tree)


def plan_agent(
    ground: WaveGround,
    domain: Domain,
    name: str,
    tree: Tree | None,
    findings: Sequence[Finding | str],
    retry: str = "",
) -> PlannedAgent:
    """Plan an agent; `name` is the name of its prompt and its folder, `findings` are listed in its prompt.

    `retry` says what the agent before it ended with.
    """
    output = ground.folder / name / "output.json"
    files = tuple(ground.owned[domain.name])
    where = tree.path if tree else ground.root
    answer = answer_in(tree.path) if tree and tree.branch and ground.answers_in_trees else output
    if ground.code is not None:
        asked = [finding for finding in findings if isinstance(finding, Finding)]
        prompt = write_review_prompt(ground.setting, domain, where, answer, asked, ground.code, retry)
    else:
        briefing = Briefing(
            findings=findings,
            drifted=ground.drifted,
            leases=sorted(ground.leased.get(domain.name, ())),
            checked_out=_checked_out(tree),
            claimed=ground.claimed,
            retry=retry or ground.retry,
        )
        prompt = write_prompt(ground.setting, domain, files, where, answer, briefing)
    # An audit agent is shown known findings and given none to fix.
    is_given = ground.code is not None or not is_audit(ground.setting.phase)
    return PlannedAgent(
        domain=domain,
        files=files,
        prompt_path=ground.folder / f"{name}.md",
        output_path=output,
        answer_path=answer,
        tree=tree,
        prompt=prompt,
        assigned=tuple(finding.row_id for finding in findings if isinstance(finding, Finding)) if is_given else (),
    )


def _checked_out(tree: Tree | None) -> int | None:
    return None if tree is None or tree.only is None else len(tree.only)


def write_prompts(agents: Sequence[PlannedAgent], *, is_amend: bool) -> None:
    """Write the prompt of each agent, and the folder of its output."""
    for agent in agents:
        # Before the prompt: an agent that starts at once must find the folder of its output.
        make_folder(agent.output_path.parent)
        if agent.prompt.known is not None:
            write_whole(agent.answer_path.parent / "findings.json", agent.prompt.known)
        write_whole(agent.prompt_path, agent.prompt.text)
        if is_amend and not agent.assigned:
            # Answered here, an agent without a finding costs no process.
            write_whole(agent.output_path, json.dumps(_empty_output(agent.domain.name)) + "\n")


def _empty_output(domain: str) -> dict[str, object]:
    summary = "Nothing was approved in this domain; swarm answered in the agent's place."
    return {"domain": domain, "summary": summary, "fixes": [], "files_changed": []}


def record_agent(conn: sqlite3.Connection, run_id: str, wave_id: int, agent: PlannedAgent) -> int:
    """Record an agent of a wave with the findings that it is given, and return the id of its row."""
    agent_run_id = agent_runs.add(conn, run_id, wave_id, row_of(agent))
    assignments.assign(conn, agent_run_id, agent.assigned)
    return agent_run_id


def row_of(agent: PlannedAgent) -> NewAgentRun:
    """Return the row of an agent."""
    return NewAgentRun(
        domain=agent.domain.name,
        files=len(agent.files),
        prompt_path=str(agent.prompt_path),
        # The ledger holds this digest, which proves later what an agent was asked.
        prompt_sha256=hashlib.sha256(agent.prompt.text.encode()).hexdigest(),
        output_path=str(agent.output_path),
        worktree_path=str(agent.tree.path) if agent.tree else None,
        worktree_branch=agent.tree.branch if agent.tree else None,
    )
