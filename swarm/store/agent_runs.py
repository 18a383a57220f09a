"""Table `agent_runs`: the work of one domain in one wave."""

import sqlite3
from collections.abc import Iterable
from typing import Final, NamedTuple

from swarm.rules.states import AgentRunStatus
from swarm.store import forms
from swarm.store.ledger import Entry, append

_COLUMNS: Final = (
    "id, wave_id, domain, status, files, placed(prompt_path), prompt_sha256, placed(output_path),"
    " placed(worktree_path), worktree_branch, analyzer, findings, error, started, ended, work"
)
# Between two analyzers; no version and no digest has it.
_BETWEEN: Final = ", "


class AgentRun(NamedTuple):
    """The work of one domain in one wave. `launch` itself wrote `analyzer` and the output of an analyzed domain."""

    id: int
    wave_id: int
    domain: str
    status: AgentRunStatus
    files: int
    prompt_path: str
    prompt_sha256: str
    output_path: str
    worktree_path: str | None
    worktree_branch: str | None
    analyzer: str | None
    findings: int | None
    error: str | None
    started: str | None
    ended: str | None
    work: str | None = None

    @property
    def analyzers(self) -> dict[str, str]:
        """Analyzers whose findings `launch` dealt to the agent run, by tool; none for the work of an agent."""
        return {name.partition(" ")[0]: name for name in (self.analyzer or "").split(_BETWEEN) if name}


class NewAgentRun(NamedTuple):
    """A planned agent run, before dispatch records the row."""

    domain: str
    files: int
    prompt_path: str
    prompt_sha256: str
    output_path: str
    worktree_path: str | None
    worktree_branch: str | None

    @property
    def payload(self) -> dict[str, object]:
        """Payload of the event that dispatches the agent run."""
        return {"domain": self.domain, "promptSha256": self.prompt_sha256}


class Given(NamedTuple):
    """Tree of an agent at its dispatch, the branch of the tree, and the number of the wave."""

    wave: int
    path: str
    branch: str | None


def add(conn: sqlite3.Connection, run_id: str, wave_id: int, agent: NewAgentRun) -> int:
    """Record a dispatched agent run and return its id."""
    row = conn.execute(
        "INSERT INTO agent_runs (wave_id, status, domain, files, prompt_path, prompt_sha256, output_path,"
        " worktree_path, worktree_branch) VALUES (?, 'dispatched', ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (wave_id, *agent),
    ).fetchone()
    agent_run_id = int(row[0])
    append(
        conn,
        Entry(
            "agent_run_dispatched",
            f"agent_run:{agent_run_id}",
            run_id,
            wave_id,
            None,
            "dispatched",
            payload=agent.payload,
        ),
    )
    return agent_run_id


def plan_anew(conn: sqlite3.Connection, agent_run_id: int, agent: NewAgentRun) -> None:
    """Give a pending agent run its prompt, its output and its tree; the event of its dispatch records them."""
    conn.execute(
        "UPDATE agent_runs SET domain = ?, files = ?, prompt_path = ?, prompt_sha256 = ?, output_path = ?,"
        # Only a pending row is planned: once dispatched, the prompt's digest is in the ledger and must not change.
        " worktree_path = ?, worktree_branch = ? WHERE id = ? AND status = 'pending'",
        (*agent, agent_run_id),
    )


def current(conn: sqlite3.Connection, wave_id: int) -> list[AgentRun]:
    """Return the newest agent run of each domain of a wave, in the order of dispatch, which is map order."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM agent_runs WHERE id IN"  # noqa: S608
        # A redispatch adds a row and keeps the row of the earlier try; the newest row of a domain is the current row.
        " (SELECT max(id) FROM agent_runs WHERE wave_id = ? GROUP BY domain)"
        # By the first row of each domain: a redispatched domain keeps its place in the order of the map.
        " ORDER BY (SELECT min(first.id) FROM agent_runs first"
        " WHERE first.wave_id = agent_runs.wave_id AND first.domain = agent_runs.domain)",
        (wave_id,),
    )
    return [_agent_run(row) for row in rows]


def all_of(conn: sqlite3.Connection, wave_id: int) -> list[AgentRun]:
    """Return all agent runs of a wave, also those that a later dispatch replaced, in the order of dispatch."""
    rows = conn.execute(f"SELECT {_COLUMNS} FROM agent_runs WHERE wave_id = ? ORDER BY id", (wave_id,))  # noqa: S608
    return [_agent_run(row) for row in rows]


def recorded_places(conn: sqlite3.Connection, wave_id: int) -> list[tuple[str, str | None]]:
    """Return prompt and tree of the current agent runs of a wave as they were recorded, to be compared and shown."""
    rows = conn.execute(
        "SELECT prompt_path, worktree_path FROM agent_runs WHERE id IN"
        " (SELECT max(id) FROM agent_runs WHERE wave_id = ? GROUP BY domain) ORDER BY id",
        (wave_id,),
    )
    return rows.fetchall()


def given_since(conn: sqlite3.Connection, run_id: str, seq: int) -> list[Given]:
    """Return the trees of the agent runs that were dispatched, or dispatched again, after an event of the ledger."""
    rows = conn.execute(
        "SELECT waves.number, placed(coalesce(worktree_path, shared_tree)), worktree_branch FROM events"
        # Subjects read `agent_run:12`; the number begins at character 11.
        " JOIN agent_runs ON agent_runs.id = CAST(substr(subject, 11) AS INTEGER)"
        " JOIN waves ON waves.id = agent_runs.wave_id"
        " WHERE events.run_id = ? AND seq > ? AND to_state = 'dispatched' AND subject LIKE 'agent_run:%'"
        # Analyzers of a wave share a tree, which the wave holds and the agent run does not.
        " AND coalesce(worktree_path, shared_tree) IS NOT NULL ORDER BY seq",
        (run_id, seq),
    )
    return list(map(Given._make, rows))


def set_status(
    conn: sqlite3.Connection,
    agent: AgentRun,
    target: AgentRunStatus,
    *,
    started: str | None,
    ended: str | None,
    error: str | None,
) -> bool:
    """Set the status of an agent run, unless another process has changed the status; say whether the status was set.

    To be called by `transitions`, which holds the step to the law and writes the ledger.
    """
    row = conn.execute(
        # The expected status is part of the WHERE: of two processes, the second matches no row and learns of the first.
        "UPDATE agent_runs SET status = ?, started = coalesce(started, ?), ended = ?, error = ?"
        " WHERE id = ? AND status = ? RETURNING id",
        (target, started, ended, error, agent.id, agent.status),
    ).fetchone()
    return row is not None


def branches_in_use(conn: sqlite3.Connection, run_id: str) -> set[str]:
    """Return the branches of a run that an agent run has."""
    rows = conn.execute(
        "SELECT worktree_branch FROM agent_runs JOIN waves ON waves.id = wave_id"
        " WHERE run_id = ? AND worktree_branch IS NOT NULL",
        (run_id,),
    )
    return {branch for (branch,) in rows}


def record_analyzers(conn: sqlite3.Connection, agent_run_id: int, analyzers: Iterable[str]) -> None:
    """Record that `launch` dealt an agent run the findings of analyzers, each with its version and configuration."""
    conn.execute("UPDATE agent_runs SET analyzer = ? WHERE id = ?", (_BETWEEN.join(analyzers), agent_run_id))


def record_count(conn: sqlite3.Connection, agent_run_id: int, findings: int) -> None:
    """Record the number of findings that an agent run reported."""
    conn.execute("UPDATE agent_runs SET findings = ? WHERE id = ?", (findings, agent_run_id))


def record_work(conn: sqlite3.Connection, agent_run_id: int, tree: str) -> None:
    """Record the tree object of an amend agent's work, as collect judged the work: merge publishes this tree alone."""
    conn.execute("UPDATE agent_runs SET work = ? WHERE id = ?", (tree, agent_run_id))


def _agent_run(row: tuple[object, ...]) -> AgentRun:
    agent = AgentRun._make(row)
    forms.hold("agent_runs", "domain", forms.DOMAIN, agent.domain)
    forms.hold("agent_runs", "worktree_branch", forms.AGENT_BRANCH, agent.worktree_branch)
    forms.hold("agent_runs", "work", forms.COMMIT, agent.work)
    forms.hold_moments("agent_runs", started=agent.started, ended=agent.ended)
    forms.hold_places("agent_runs", worktree_path=agent.worktree_path)
    # A pending agent run is planned later: it has no prompt and no output yet.
    if agent.status != AgentRunStatus.PENDING:
        forms.hold_places("agent_runs", prompt_path=agent.prompt_path, output_path=agent.output_path)
    # `_make` does not convert: without the enum, `match` and identity tests on the status would fail silently.
    return agent._replace(status=forms.made("agent_runs", AgentRunStatus, agent.status))
