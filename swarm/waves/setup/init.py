"""`init`: make a run of a clean repository, with a save point and a draft of its domains."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from swarm import clock, errors, stage_events
from swarm.git import refs
from swarm.git import repository as git_repository
from swarm.git.edits import edits_of
from swarm.git.repository import Repository
from swarm.interruption import postponed
from swarm.results.init import DomainFiles, InitResult
from swarm.rules import codeowners, draft_map
from swarm.rules.domains import Domain
from swarm.rules.ref_names import save_point_tag, tag_ref
from swarm.store import domains as domain_table
from swarm.store import runs, save_points
from swarm.store.connection import Store
from swarm.store.ledger import Entry
from swarm.store.runs import Run
from swarm.store.save_points import Begun
from swarm.waves.setup.domain_files import codeowners_rules, domains_from_file
from swarm.waves.trees import worktrees
from swarm.workspace import Workspace, exclude_patterns, in_agents_tree

DEFAULT_TIMEOUT_SECONDS: Final = 30 * 60
_MOST_NAMED: Final = 5


class Mapped(NamedTuple):
    """A map of the files of a commit: domains, number of files of each, and files without an owner."""

    domains: list[Domain]
    counts: Mapping[str, int]
    unmatched: list[str]


def clean_repository(folder: Path, besides: Sequence[str] = ()) -> Repository:
    """Return the repository around a folder, with no tracked changes, `besides` some files of it.

    Raises RepoNotClean, InsideAgentWorktree and `repository_at`'s.
    """
    repository = git_repository.repository_at(folder)
    # Also for a coordinator: a run made there would name commits and files that the wave takes away.
    if in_agents_tree(repository.root):
        raise errors.InsideAgentWorktree(path=str(repository.root))
    changed, filtered, _ = edits_of(repository.git)
    dirty = [path for path in changed if path not in besides]
    if filtered:
        stage_events.emit("files_filtered", count=len(filtered), files=filtered[:_MOST_NAMED])
    if dirty:
        shown = ", ".join(dirty[:_MOST_NAMED]) + (", …" if len(dirty) > _MOST_NAMED else "")
        raise errors.RepoNotClean(path=str(repository.root), count=len(dirty), files=shown)
    return repository


def init(
    store: Store,
    workspace: Workspace,
    repository: Repository,
    *,
    repo_name: str | None = None,
    mapping: Mapped | None = None,
    timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS,
    beside: bool = False,
    maker: str = "init",
) -> InitResult:
    """Record a run at HEAD, tag its save point and draft its map.

    Raises RunOpen where the repository has an open run, unless the new run shall be `beside` it. Without `mapping` the
    map is the draft. The tag is made before the transaction and removed when that fails. It is noted in the database
    first, so that the next `init` removes the tag of a killed `init`.
    """
    domains, counts, unmatched = mapping or mapped(repository, "auto")
    run_id = clock.fresh_run_id()
    run = Run(
        id=run_id,
        repo=repo_name or repository.root.name,
        local_path=str(repository.root),
        commit_sha=repository.head,
        branch=repository.branch,
        save_point_tag=save_point_tag(run_id),
        status="initializing",
        timeout_seconds=timeout_seconds,
        map_frozen=False,
        created=clock.now(),
    )
    with worktrees.worktree_lock(repository, "init"):
        # Under the lock: of two `init` at once, the second finds the run of the first.
        if not beside and (first := runs.open_at(store.conn, run.local_path)) is not None:
            raise errors.RunOpen(path=run.local_path, run_id=first.id, phase=first.status)
        # In `.git/info/exclude`: the user's own files, `.gitignore` too, are never edited.
        git_repository.keep_out_of_status(repository, exclude_patterns(workspace, repository.root))
        # We hold the lock, so every other save point that was begun here is of a dead `init`.
        take_back(store, repository)
        begun = Begun(run.save_point_tag, run.commit_sha, str(repository.common_dir))
        with store.mutation() as conn:
            save_points.note(conn, begun)
        # Hold interrupts: after COMMIT the cleanup below would remove the tag that the database names.
        with postponed():
            try:
                refs.add_tag(repository.git, run.save_point_tag, run.commit_sha)
                _record(store, run, domains, begun, maker)
            except BaseException:
                # Only at its own commit: a tag of the same name that a person made since stays.
                refs.remove_tag(repository.git, begun.tag, begun.commit)
                # On a full disk the note stays; the next `init` removes it.
                with suppress(errors.SwarmError, sqlite3.Error):
                    take_back(store, repository)
                raise
    return _shown(run, Mapped(domains, counts, unmatched), f"swarm domains {run_id} --freeze", created=True)


def open_run(conn: sqlite3.Connection, repository: Repository) -> InitResult | None:
    """Return the open run of a repository as `init` shows a run, `None` where there is none."""
    run = runs.open_at(conn, str(repository.root))
    if run is None:
        return None
    domains = domain_table.domain_map(conn, run.id)
    counts, unmatched = draft_map.counted(
        domains, [file.path for file in git_repository.files_at(repository.git, repository.head)]
    )
    return _shown(run, Mapped(domains, counts, unmatched), f"swarm status {run.id}", created=False)


def _shown(run: Run, found: Mapped, next_action: str, *, created: bool) -> InitResult:
    return InitResult(
        run_id=run.id,
        repo=run.repo,
        local_path=run.local_path,
        commit_sha=run.commit_sha,
        branch=run.branch,
        save_point_tag=run.save_point_tag,
        domains=tuple(DomainFiles(d.name, d.ownership, d.globs, found.counts[d.name]) for d in found.domains),
        unmatched=tuple(found.unmatched),
        next_action=next_action,
        created=created,
    )


def mapped(repository: Repository, domains_from: str) -> Mapped:
    """Return the map of HEAD's files: a draft (`auto`), from its CODEOWNERS (`codeowners`), or from a file.

    Raises ConfigInvalid and CodeownersInvalid.
    """
    files = git_repository.files_at(repository.git, repository.head)
    paths = [file.path for file in files]
    match domains_from:
        case "auto":
            return Mapped(*draft_map.draft_with_counts(paths), [])
        case "codeowners":
            return Mapped(*codeowners.map_of(codeowners_rules(repository, files), paths), [])
        case _:
            domains = domains_from_file(Path(domains_from))
            return Mapped(domains, *draft_map.counted(domains, paths))


def take_back(store: Store, repository: Repository) -> None:
    """Remove the save points of a repository that have no run. The lock of worktrees must be held."""
    left = save_points.unfinished(store.conn, str(repository.common_dir))
    if not left:
        return
    for begun in left:
        refs.remove_tag(repository.git, begun.tag, begun.commit)
    removed = [begun for begun in left if git_repository.commit_of(repository.git, tag_ref(begun.tag)) is None]
    with store.mutation() as conn:
        save_points.forget(conn, removed)


def _record(store: Store, run: Run, domains: Sequence[Domain], begun: Begun, maker: str) -> None:
    with store.mutation() as conn:
        runs.add(conn, run, maker)
        save_points.forget(conn, [begun])
        drafted = Entry("map_drafted", f"map:{run.id}", run.id, reason=", ".join(d.name for d in domains))
        domain_table.replace_map(conn, run.id, domains, drafted)
