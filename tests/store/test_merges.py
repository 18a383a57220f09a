"""Table merges: each commit at a ref once, with its domains, in the ledger."""

from pathlib import Path

from swarm.store import merges
from swarm.store.connection import Store
from swarm.store.merges import NewMerge
from swarm.store.waves import Wave
from tests.store import rows
from tests.store.writers import at_once, steps

REF = "refs/heads/swarm/0123abcd/integration"


def merge(wave: Wave, commit: str, ref: str = REF) -> NewMerge:
    return NewMerge(wave.id, ref, rows.COMMIT, commit, ("code", "rest"), ("docs",), None)


def test_a_merge_is_returned_as_it_was_recorded(store: Store, wave: Wave) -> None:
    new = merge(wave, "a" * 40)
    with store.mutation() as conn:
        merges.add_merge(conn, rows.RUN, new)
    (kept,) = merges.merges_of(store.conn, wave.id)
    assert (kept.id, tuple(kept[1:-1])) == (1, tuple(new))
    assert steps(store, "merged") == [("merged", f"wave:{wave.id}", None, "a" * 40)]


def test_the_same_commit_at_the_same_ref_is_recorded_once(store: Store, wave: Wave, database: Path) -> None:
    def record(own: Store) -> None:
        with own.mutation() as conn:
            merges.add_merge(conn, rows.RUN, merge(wave, "a" * 40))

    assert at_once(database, record, record) == [None, None]
    record(store)
    assert len(merges.merges_of(store.conn, wave.id)) == len(steps(store, "merged")) == 1


def test_the_commits_of_a_branch_are_those_of_its_run_oldest_first(store: Store, wave: Wave) -> None:
    other = "swarm-1700000001-0123abcd"
    with store.mutation() as conn:
        for commit, ref in (("b" * 40, REF), ("a" * 40, REF), ("c" * 40, "refs/heads/main")):
            merges.add_merge(conn, rows.RUN, merge(wave, commit, ref))
        rows.add_run(conn, other)
        merges.add_merge(conn, other, merge(rows.add_wave(conn, other), "d" * 40))
    assert merges.merged_into(store.conn, rows.RUN, REF) == ["b" * 40, "a" * 40]
    assert merges.merged_into(store.conn, rows.RUN, "refs/heads/none") == []
