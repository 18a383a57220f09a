"""Names of the branches and refs that swarm makes for a run, in git's own namespaces."""

from typing import Final

HEADS: Final = "refs/heads/"
TAGS: Final = "refs/tags/"
REMOTES: Final = "refs/remotes/"
# The branches of every run; `branches_of` is the part of a single run.
ALL_RUNS: Final = "refs/heads/swarm/"
# The folders of a git folder in which every ref of swarm's, but save points, lies.
OWN_FOLDERS: Final = ("refs/swarm", "refs/heads/swarm")
# Commits of uncommitted files at which waves looked, of all runs: the same files are the same commit.
SNAPSHOTS: Final = "refs/swarm/snapshots/"
_SAVE_POINT: Final = "swarm-save-"
_RUN: Final = "swarm-"


def head_ref(branch: str) -> str:
    """Return the whole name of a branch."""
    return f"{HEADS}{branch}"


def tag_ref(tag: str) -> str:
    """Return the whole name of a tag."""
    return f"{TAGS}{tag}"


def branches_of(run_hex: str) -> str:
    """Return the path, with its last slash, below which a run's branches lie."""
    return f"swarm/{run_hex}/"


def tree_branch(run_hex: str, tree: str) -> str:
    """Return the branch of a worktree, which is called like the worktree's folder."""
    return f"{branches_of(run_hex)}{tree}"


def integration_branch(run_hex: str) -> str:
    """Return the branch on which a run's waves come together."""
    return f"{branches_of(run_hex)}integration"


def salvaged_branch(run_hex: str, name: str) -> str:
    """Return the branch on which `undo` brings saved work back that had no branch of its own."""
    return f"{branches_of(run_hex)}salvaged-{name}"


def run_ref(run_id: str) -> str:
    """Return the ref of a run's own name, which the sentinel watches: swarm makes none."""
    return f"refs/swarm/{run_id}"


def salvage_refs(run_id: str) -> str:
    """Return the path, with its last slash, below which saved work of a run is kept."""
    return f"refs/swarm/salvage/{run_id}/"


def salvage_ref(run_id: str, name: str) -> str:
    """Return the ref of a piece of saved work."""
    return f"{salvage_refs(run_id)}{name}"


def work_refs(run_id: str) -> str:
    """Return the path, with its last slash, below which the judged work of a run's agents is kept."""
    return f"refs/swarm/work/{run_id}/"


def work_ref(run_id: str, tree: str) -> str:
    """Return the ref that keeps what an agent made of its worktree, until that is merged."""
    return f"{work_refs(run_id)}{tree}"


def own_commits_refs(run_id: str) -> str:
    """Return the path, with its last slash, below which the own commits of a run's merged agents are kept."""
    return f"refs/swarm/own-commits/{run_id}/"


def snapshot_ref(commit: str) -> str:
    """Return the ref that keeps a commit of a checkout's uncommitted files, at which a wave looked."""
    return f"{SNAPSHOTS}{commit}"


def save_point_tag(run_id: str) -> str:
    """Return the tag of a run's save point."""
    # Only the first: the rest of the id must stay, so that the tag leads back to its run.
    return run_id.replace(_RUN, _SAVE_POINT, 1)


def run_of_save_point(tag: str) -> str | None:
    """Return the run whose save point has this tag, `None` for any other word."""
    return tag.replace(_SAVE_POINT, _RUN, 1) if tag.startswith(_SAVE_POINT) else None


def attempt_ref(attempt: str) -> str:
    """Return the only ref of a bundle in which the work of an attempt comes from another machine."""
    return f"refs/swarm/attempt/{attempt}"
