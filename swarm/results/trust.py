"""Records of `trust`."""

from typing import Any, NamedTuple


class TrustedShown(NamedTuple):
    """A configuration that this user has trusted."""

    path: str
    digest: str
    trusted_at: str


class WaveTaken(NamedTuple):
    """A wave in flight that its user takes over: its run, and its agents by domain."""

    run_id: str
    number: int
    phase: str
    commit: str
    runtime: str | None
    agents: tuple[str, ...]


class TrustResult(NamedTuple):
    """Executable parts of a configuration, by name, and whether they count for this user.

    `path` is `None` where there is no `swarm.toml`. `record` is the file that was written; `trusted` are all records,
    for `--list` alone; `wave` is what `--wave` is about.
    """

    path: str | None
    real_path: str | None
    owner: int | None
    digest: str | None
    parts: dict[str, Any]
    is_trusted: bool
    record: str | None = None
    removed: bool = False
    trusted: tuple[TrustedShown, ...] = ()
    wave: WaveTaken | None = None
