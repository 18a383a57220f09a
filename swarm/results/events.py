"""Records of `events`."""

from typing import NamedTuple


class EventShown(NamedTuple):
    """An event of the ledger."""

    seq: int
    ts: str
    kind: str
    run_id: str | None
    wave_id: int | None
    subject: str
    from_: str | None
    to: str | None
    actor: str
    reason: str | None
    payload: dict[str, object] | None
    hash: str


class EventsResult(NamedTuple):
    """Events of the ledger. `after` is the cursor for the next call."""

    events: tuple[EventShown, ...]
    after: int
