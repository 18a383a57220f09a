"""The integration branch of a run: its name, its tip, whether it is published."""

import sqlite3

from swarm import errors
from swarm.git import history, refs
from swarm.git.repository import Repository
from swarm.git.runner import Git
from swarm.rules.ref_names import head_ref, integration_branch
from swarm.store import merges
from swarm.store.runs import Run


def integration_of(conn: sqlite3.Connection, git: Git, run: Run) -> str | None:
    """Return the tip of a run's integration branch, `None` without the branch.

    Raises IntegrationMoved for a tip that no merge of swarm left: an agent that can write the git folder can move refs.
    """
    branch = integration_branch(run.hex)
    tip = refs.tip_of(git, branch)
    recorded = merges.merged_into(conn, run.id, branch)
    if tip is None or tip in recorded:
        return tip
    ref = head_ref(branch)
    # The remedy goes back to the last merge that swarm recorded; without a merge the branch should not exist.
    remedy = f"update-ref {ref} {recorded[-1]}" if recorded else f"update-ref -d {ref}"
    raise errors.IntegrationMoved(branch=branch, found=tip, remedy=remedy, run_id=run.id)


def unpublished(conn: sqlite3.Connection, run: Run, repository: Repository) -> str | None:
    """Return the commit of the integration branch, unless HEAD has it already. Raises IntegrationMoved."""
    tip = integration_of(conn, repository.git, run)
    return None if tip is None or history.is_ancestor(repository.git, tip, repository.head) else tip


def merged_on_head(conn: sqlite3.Connection, run: Run, repository: Repository) -> str | None:
    """Return the unpublished commit where it is HEAD and the run's work alone. Raises IntegrationMoved."""
    tip = unpublished(conn, run, repository)
    return tip if tip is not None and history.is_ancestor(repository.git, repository.head, tip) else None
