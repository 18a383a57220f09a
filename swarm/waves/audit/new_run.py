"""The run that an audit makes where a repository has none."""

from swarm import errors, stage_events
from swarm.git.repository import Repository
from swarm.store import runs
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.waves.setup.init import init
from swarm.workspace import Workspace


def new_run(store: Store, workspace: Workspace, repository: Repository) -> Run:
    """Make a run of a repository that has none yet."""
    # Beside a run whose wave in flight is not this user's own, which an audit leaves alone.
    made = init(store, workspace, repository, beside=True)
    stage_events.emit("run_created", run_id=made.run_id, commit=made.commit_sha)
    run = runs.find(store.conn, made.run_id)
    if run is None:
        raise errors.RunNotFound(run_id=made.run_id)
    return run
