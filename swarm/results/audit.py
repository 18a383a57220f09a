"""Records of `audit`."""

from typing import NamedTuple

from swarm.results.collect import FindingCounts, ViolationShown
from swarm.results.findings import FindingShown, FindingsResult


class FinishedWave(NamedTuple):
    """An interrupted wave that an audit finished before it looked at HEAD."""

    number: int
    phase: str
    commit: str
    status: str


class WaveLeftAlone(NamedTuple):
    """A wave in flight that this user did not dispatch on this machine; the audit began a run of its own."""

    run_id: str
    number: int
    phase: str


class BaselineShown(NamedTuple):
    """Findings that an audit compares with. `kind` is first_audit, commit, run or file.

    `findings` counts them, `None` for what was known before the first audit. `also` is what else has the name.
    """

    kind: str
    name: str | None
    commit: str | None
    nothing_known: bool
    findings: int | None = None
    run_id: str | None = None
    wave: int | None = None
    also: str | None = None


class LookedAtBy(NamedTuple):
    """An analyzer or a runtime, the number of files that it looked at, and of those that it should have.

    `not_ended` counts files that it crashed at or had no time for, `blinded_by` files that include a file that it could
    not read, by that file.
    """

    name: str
    files: int
    asked: int
    not_ended: int = 0
    blinded_by: dict[str, int] = {}  # noqa: RUF012


class WouldLook(NamedTuple):
    """An analyzer that reads a kind of files that nobody looked at, and the command that installs the analyzer.

    `configured_by` is the file that turns it on, `None` where it needs none. `needs_trust` is whether the repository
    configures it and it runs code of the repository, so that `install` names the user's word.
    """

    kind: str
    files: int
    analyzer: str
    install: str
    configured_by: str | None
    needs_trust: bool = False


class LookedAt(NamedTuple):
    """Files that an audit looked at, by whom; files that nobody looked at, by kind; files that could not be read.

    `not_ended` are those of `not_read` that an analyzer crashed at or had no time for.
    """

    by: tuple[LookedAtBy, ...]
    nobody: dict[str, int]
    not_read: tuple[str, ...]
    would_look: tuple[WouldLook, ...] = ()
    not_ended: tuple[str, ...] = ()


class WorktreeSeen(NamedTuple):
    """Files that `audit --worktree` looked at as they are: those of the commit `head`, and the edited files."""

    head: str
    edited_files: tuple[str, ...]


class AuditResult(NamedTuple):
    """A whole audit: the run, its new wave, and the digest; `without_sandbox` says why its runtime had no sandbox.

    `new_files_not_seen` are files of the checkout that git does not track, and that its runtimes would read.
    """

    run_id: str
    wave_id: int
    wave_number: int
    phase: str
    runtime: str
    since: str | None
    wave_status: str
    exit_class: int
    changed: FindingCounts
    digest: FindingsResult
    new_ids: tuple[str, ...]
    fixed: tuple[FindingShown, ...]
    commit: str
    baseline: BaselineShown
    new_since_baseline: tuple[str, ...]
    next_action: str
    looked_at: LookedAt
    violations: tuple[ViolationShown, ...]
    refused_items: tuple[str, ...]
    finished: FinishedWave | None = None
    edited_files_not_seen: tuple[str, ...] = ()
    without_sandbox: str | None = None
    left_alone: WaveLeftAlone | None = None
    worktree: WorktreeSeen | None = None
    new_files_not_seen: tuple[str, ...] = ()
