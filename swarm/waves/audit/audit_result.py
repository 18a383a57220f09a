"""The record of an audit: its findings, the changes since the last audit, and the baseline they are compared with."""

from collections.abc import Sequence

from swarm import errors
from swarm.config import Config
from swarm.git.edits import Edits
from swarm.git.repository import Repository
from swarm.git.working_files import WorkingFiles
from swarm.results.audit import AuditResult, BaselineShown, WorktreeSeen
from swarm.results.collect import CollectResult
from swarm.rules.domains import WHOLE_WAVE
from swarm.rules.phases import Phase
from swarm.runtimes import registry
from swarm.runtimes.analyzer_table import table
from swarm.runtimes.ruff_results import UNREADABLE
from swarm.store import ledger
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.audit.looked_at import looked_at, refuse_nothing_looked_at
from swarm.waves.look.findings import Filters, findings, fixed_in, path_filter
from swarm.waves.look.new_findings import before_first_audit, fails


def result_of(
    store: Store,
    run: Run,
    wave: Wave,
    repository: Repository,
    *,
    since: str | None,
    exit_class: int,
    collected: CollectResult,
    filters: Filters,
) -> AuditResult:
    """Return the record of an audit whose wave was launched and collected. Raises AuditNothingToLookAt."""
    found = findings(store.conn, run, filters)
    before = before_first_audit(store.conn, wave)
    first = ledger.recorded_in_the_call_of(store.conn, run.id, wave.number) or wave.number
    new_ids = tuple(f.finding_id for f in found.findings if f.first_seen_wave >= first)
    result = AuditResult(
        run_id=run.id,
        wave_id=wave.id,
        wave_number=wave.number,
        phase=wave.phase,
        runtime=wave.runtime or registry.DEFAULT,
        since=since,
        wave_status=collected.wave_status,
        exit_class=exit_class,
        changed=collected.findings,
        digest=found,
        new_ids=new_ids,
        fixed=fixed_in(store.conn, run, wave, filters),
        commit=wave.dispatch_sha,
        baseline=BaselineShown("first_audit", None, None, nothing_known=before.nothing_known),
        new_since_baseline=tuple(f.finding_id for f in found.findings if f.is_new),
        looked_at=looked_at(store.conn, wave, repository, filters),
        violations=collected.violations,
        refused_items=collected.refused_items,
        next_action=f"swarm status {run.id}",
    )
    refuse_nothing_looked_at(result, repository)
    return result


def rules_of_unread(result: AuditResult) -> list[str]:
    """Return the rules by which analyzers say that they could not read a file, of the findings of an audit."""
    rows = table().rows
    return sorted(
        {
            each.rule_id
            for each in result.digest.findings
            if each.rule_id
            and each.analyzer
            and each.rule_id.startswith(rows[each.reporter].broken if each.reporter in rows else UNREADABLE)
        }
    )


def exit_code(result: AuditResult, fail_on: str | None) -> int:
    """Return the exit code of an audit, which `fail_on` keeps from counting some findings."""
    if result.exit_class:
        return result.exit_class
    if result.looked_at.not_read:
        return errors.FilesNotRead.exit_code
    if result.digest.state == "pipeline_broken":
        # An incomplete agent means that its runtime failed; a touched file alone means that the wave failed.
        return 1 if all(broken.domain == WHOLE_WAVE for broken in result.digest.broken) else 3
    new = frozenset(result.new_since_baseline)
    # A gate must not turn green because reports were refused.
    return int(
        bool(result.refused_items) or fails(result.digest.findings, fail_on, lambda finding: finding.finding_id in new)
    )


def with_edits(result: AuditResult, files: WorkingFiles | None, edits: Edits | None) -> AuditResult:
    """Return the record with the edited files of the checkout: those that the wave saw, and those that it did not."""
    if files is not None:
        return result._replace(
            worktree=WorktreeSeen(files.head if files.snapshot else result.commit, files.edited),
            edited_files_not_seen=files.left_out,
        )
    return result if edits is None else result._replace(edited_files_not_seen=edits.changed)


def with_new_files(
    result: AuditResult,
    new: Sequence[str],
    repository: Repository,
    filters: Filters,
    named: str | None,
    config: Config,
) -> AuditResult:
    """Return the record with those of some new files that the audit would have read, were they tracked.

    Its runtimes are those that its caller `named`, else the analyzers that are here.
    """
    files = [path for path in filter(path_filter(filters), new) if not (repository.root / path).is_symlink()]
    names = (named or registry.picked(config, repository.root, files, Phase(result.phase))).split(",")
    readers = (registry.runtime_named(name, config) for name in names)
    read = {file for each in readers for file in each.reads(repository.root, files)}
    return result._replace(new_files_not_seen=tuple(sorted(read)))


def with_next_action(result: AuditResult) -> AuditResult:
    """Return the record with the command that shows the gravest new finding, else the gravest of all."""
    # Both lists begin with the gravest; new is what the baseline does not know, which is compared last.
    ids = [*result.new_since_baseline[:1], *(finding.finding_id for finding in result.digest.findings[:1])]
    return result._replace(next_action=f"swarm show {ids[0]}") if ids else result
