"""Fixes that lie on a branch and not in the commit of a wave, where their findings stand as before."""

import sqlite3

from swarm.git.history import is_ancestor
from swarm.git.runner import Git
from swarm.store import finding_names, merges, waves
from swarm.store.waves import Wave


def unmerged_fixes(conn: sqlite3.Connection, git: Git, wave: Wave) -> frozenset[int]:
    """Return the rows of findings whose fix, by an amend wave, a wave's commit does not have: they did not come back.

    A fix can reach a commit without its merge, by a squash or by hand. An audit of such a commit was silent about the
    finding, which stayed fixed; so with an audit in between that had not the merge either, the finding did come back.
    """
    fixed = finding_names.fixed_by_wave(conn, wave.run_id)
    if not fixed:
        return frozenset()
    found: set[int] = set()
    every = [one for one in waves.all_of(conn, wave.run_id) if one.number < wave.number]
    for amend in (one for one in every if one.number in fixed and not one.is_audit):
        merged = [merge.commit_sha for merge in merges.merges_of(conn, amend.id)]
        commits = [one.dispatch_sha for one in every if one.number > amend.number and one.is_audit]
        if not any(is_ancestor(git, merge, wave.dispatch_sha) for merge in merged) and all(
            any(is_ancestor(git, merge, commit) for merge in merged) for commit in commits
        ):
            found |= fixed[amend.number]
    return frozenset(found)
