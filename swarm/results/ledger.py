"""Records of `ledger`."""

from typing import NamedTuple


class ChainShown(NamedTuple):
    """A ledger without a broken link: its length, its first and last moment, and the hash of its last event.

    `since_head` counts the events after the event of `--head`.
    """

    events: int
    first: str | None
    last: str | None
    head: str
    since_head: int | None


class Rebuilt(NamedTuple):
    """The state of a subject, such as `wave:3` or `finding:12`, as the ledger gives it."""

    subject: str
    run_id: str | None
    facts: dict[str, object]


class Difference(NamedTuple):
    """A fact of a subject that differs between ledger and table; `null` where a side has none."""

    subject: str
    run_id: str | None
    fact: str
    ledger: str | None
    table: str | None


class ReplayShown(NamedTuple):
    """The states that the ledger alone gives or, with `--check`, the differences between ledger and tables.

    `counts` counts the rebuilt subjects by kind. `differences` holds the first differences; `differing` counts all.
    """

    run_id: str | None
    events: int
    head: str
    checked: bool
    counts: dict[str, int]
    differing: int
    differences: tuple[Difference, ...]
    states: tuple[Rebuilt, ...]
