"""What `ledger verify` and `ledger replay` return: frozen records, for the text and for the JSON document."""

from typing import NamedTuple


class ChainShown(NamedTuple):
    """A ledger whose every link holds: how many events, from when to when, and the hash of the last.

    `since_head` is how many events stand behind the one whose hash was given with `--head`.
    """

    events: int
    first: str | None
    last: str | None
    head: str
    since_head: int | None


class Rebuilt(NamedTuple):
    """What the ledger says of one subject, such as `wave:3` or `finding:12`."""

    subject: str
    run_id: str | None
    facts: dict[str, object]


class Difference(NamedTuple):
    """A fact of a subject that is another in the ledger than in the table; `null` where one of them has none."""

    subject: str
    run_id: str | None
    fact: str
    ledger: str | None
    table: str | None


class ReplayShown(NamedTuple):
    """The states that the ledger alone gives, or with `--check`, where the tables differ from them.

    `counts` says how many subjects of each kind were rebuilt. `differences` holds the first of them, `differing` counts
    them all.
    """

    run_id: str | None
    events: int
    head: str
    checked: bool
    counts: dict[str, int]
    differing: int
    differences: tuple[Difference, ...]
    states: tuple[Rebuilt, ...]
