"""Plan of a clean: the remnants to remove, those to save first, and those that stay."""

import sqlite3
from pathlib import Path
from typing import NamedTuple

from swarm.files import is_in_place
from swarm.git.repository import Repository
from swarm.store.runs import Run
from swarm.waves.clean import judgement, kept_snapshots, kept_work, remnants
from swarm.waves.clean.judgement import AT_RISK, Judged
from swarm.waves.clean.kept_work import KeptWork
from swarm.waves.clean.remnants import Ground
from swarm.workspace import Workspace


class CleanRequest(NamedTuple):
    """Options of the caller; the reason is `""` for a dry run."""

    apply: bool
    force: bool
    reason: str


class CleanPlan(NamedTuple):
    """Remnants to remove, to save and remove, and to leave.

    `debris` are folders that a clean which died had renamed and not deleted; `works` are refs of judged work and
    of snapshots.
    """

    ground: Ground
    removable: list[Judged]
    saved: list[Judged]
    left: list[Judged]
    debris: list[Path]
    works: list[KeptWork]


def plan_clean(
    conn: sqlite3.Connection, workspace: Workspace, run: Run, repository: Repository, *, force: bool
) -> CleanPlan:
    """Judge every remnant of a run; with `force`, work at risk is saved and removed as well. Writes nothing."""
    here = remnants.ground(conn, repository, workspace, run)
    left_over = remnants.remnants(conn, workspace, here)
    found = [judgement.judge(here, remnant) for remnant in left_over]
    # The integration branch is no remnant of a wave, and is removed only where its target contains it.
    judged = [known for known in (*found, judgement.contained_integration(here)) if known is not None]
    risky = [known for known in judged if known.state == AT_RISK]
    saved = [known for known in risky if force and known.savable]
    # Behind a link the folder may be anybody's: nothing in it is deleted.
    places = sorted(here.folder.iterdir()) if is_in_place(here.folder, here.folder.parent) else []
    works = kept_work.of_waves_that_are_over(conn, here, saved) + kept_snapshots.unneeded(conn, here, left_over)
    return CleanPlan(
        ground=here,
        removable=[known for known in judged if known.state != AT_RISK],
        saved=saved,
        left=[known for known in risky if known not in saved],
        debris=[place for place in places if here.is_debris(place)],
        # A snapshot is a copy that nobody works in: to save it is no decision of the user's.
        works=[work for work in works if work.is_held or work.is_snapshot or force],
    )
