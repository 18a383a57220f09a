"""Records of `merge`."""

from typing import NamedTuple

from swarm.results.verify import BuildShown


class MergedDomain(NamedTuple):
    """The work of an agent in a merge: merged, already in, nothing or dropped."""

    domain: str
    branch: str | None
    commit: str | None
    state: str
    files: int


class MergeResult(NamedTuple):
    """The merge of a wave, its commit and ref, and the findings that the commit proves fixed."""

    run_id: str
    wave_id: int | None
    wave_number: int | None
    phase: str | None
    ref: str | None
    base: str | None
    commit: str | None
    published: bool
    domains: tuple[MergedDomain, ...]
    dropped: tuple[str, ...]
    gate: BuildShown | None
    fixed: tuple[str, ...]
    summary: str
    next_action: str
