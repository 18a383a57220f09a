"""`swarm audit`."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from swarm import errors, stage_events
from swarm.cli import reports
from swarm.cli.audit_reports import DOCUMENTS, ReportFile, ReportParam, audit_document, refuse_targets
from swarm.cli.call import Call
from swarm.cli.live_table import table_beside_launch
from swarm.cli.options import FailOn, audit_phase_option, jobs_option, repo_argument, runtime_option, usage, verb
from swarm.results.audit import AuditResult
from swarm.rules.phases import dispatched_phase, is_audit
from swarm.show.escape import plain

if TYPE_CHECKING:
    from swarm.config import Config
    from swarm.git.repository import Repository
    from swarm.store.connection import Store
    from swarm.waves.audit.baseline_name import Baseline
    from swarm.waves.look.findings import Filters

_FORMS = ("text", "json", *DOCUMENTS)
_MOST_NAMED = 5


@verb(formats=_FORMS)
@repo_argument
@click.option(
    "--since", metavar="REF", help="Report only findings in lines that HEAD changed since its merge base with REF."
)
@click.option("--worktree", is_flag=True, help="Look at the files as they are, uncommitted and new ones too.")
@click.option("--fail-on", type=FailOn(), help="Exit 1 only for new findings, or from this severity up.")
@click.option(
    "--baseline",
    metavar="REF|RUN|FILE",
    help="New is what the merge base of HEAD and REF does not have; or what RUN, RUN@WAVE or a baseline FILE does not"
    " know; by default, what no earlier audit knew.",
)
@click.option("--all", "lists_all", is_flag=True, help="List the known findings too; a terminal only counts them.")
@click.option(
    "--report",
    "wanted",
    type=ReportParam(),
    multiple=True,
    help=f"Also write the audit to FILE, as {', '.join(DOCUMENTS[:-1])} or {DOCUMENTS[-1]}; may be repeated.",
)
@runtime_option("Runtimes to launch, parted by commas; by default the analyzers that read files of the repository.")
@audit_phase_option
@jobs_option
def command(  # noqa: PLR0913
    call: Call,
    repo: Path,
    since: str | None,
    fail_on: str | None,
    baseline: str | None,
    runtime: str | None,
    phase: str,
    jobs: int | None,
    *,
    worktree: bool,
    lists_all: bool,
    wanted: tuple[ReportFile, ...],
) -> None:
    """Audit the repository around REPO, and report its findings and the changes since the last audit.

    Makes a run where there is none, finishes an interrupted wave that you dispatched, and always looks at HEAD, or
    with --worktree at your files. REPO may be a sub-folder: findings outside it are left out. Exit 0: clean;
    1: findings, violations or refused reports; 2: nothing was looked at; 3: an agent's runtime failed, or files could
    not be read; 127: a program was not found.
    """
    from swarm.git.repository import repository_at
    from swarm.waves.audit.ready_here import files_as_they_are, ready_or_refuse

    lawful = dispatched_phase(phase)
    if lawful is None or not is_audit(lawful):
        raise usage(f"--phase takes an audit phase; got '{errors.shortened(phase)}'", "audit")
    refuse_targets(call, wanted)
    repository = repository_at(repo)
    config = call.config(repository.root)
    runtime = runtime or config.default_runtime
    files = files_as_they_are(call.workspace, repository) if worktree else None
    looked_at = repository if files is None else repository._replace(head=files.commit)
    ready = ready_or_refuse(call.workspace, looked_at, repo, runtime, config, lawful)
    against = None if baseline is None else _baseline_named(call, repository, baseline, runtime, config)
    # Before a control plane is made: a misspelt revision leaves nothing behind.
    if since is not None:
        from swarm.waves.audit.baseline_name import since_commit

        since = since_commit(looked_at, since)
    with call.write(create=True) as store:
        from swarm.waves.audit.audit import Request, audit

        request = Request(
            checkout=repository,
            phase=lawful,
            runtime=runtime,
            since=since,
            jobs=jobs,
            baseline=against,
            trust=call.trust,
            ready=ready,
            files=files,
        )
        # Analyzers are quick, and nobody waits for lines about them.
        has_agents = any(each.runtime.agent for each in ready)
        with table_beside_launch(call, folder=repository.root, lines=has_agents):
            result, filters = audit(store, call.workspace, repo, request, config)
        for form, file in wanted:
            reports.put(call, store, form, audit_document(call, store, result, filters, form), file)
        try:
            _show(call, store, result, filters, fail_on, lists_all=lists_all)
        except SystemExit:
            # The findings first; then the error names the files that they do not cover. A document holds both.
            if result.looked_at.not_read and call.form != "json":
                raise _not_read(result) from None
            raise


def _baseline_named(
    call: Call, repository: "Repository", name: str, runtime: str | None, config: "Config"
) -> "Baseline":
    """Return the baseline, and report on stderr what else has its name."""
    from swarm.waves.audit.baseline_name import resolved

    with call.read() if call.workspace.database.exists() else nullcontext() as store:
        conn = None if store is None else store.conn
        found = resolved(conn, repository, call.folder, name, runtime=runtime, config=config)
    if found.also is not None:
        taken = f"the {found.kind} of this name was taken as the baseline"
        stage_events.emit("baseline_taken", kind=found.kind, name=name, also=found.also, message=taken)
    return found


def _show(
    call: Call, store: "Store", result: AuditResult, filters: "Filters", fail_on: str | None, *, lists_all: bool
) -> NoReturn:
    from swarm.waves.audit.audit_result import exit_code

    code = exit_code(result, fail_on)
    if call.form in DOCUMENTS:
        reports.put(call, store, call.form, audit_document(call, store, result, filters, call.form), None)
        raise SystemExit(code)
    call.answer(result, lambda: _lines(result, filters, fail_on, lists_all=lists_all), code)


def _not_read(result: AuditResult) -> "errors.FilesNotRead":
    from swarm.waves.audit.audit_result import rules_of_unread

    seen = result.looked_at
    late = len(seen.not_ended)
    broken = [file for file in seen.not_read if file not in frozenset(seen.not_ended)]
    files = [*broken, *seen.not_ended]
    more = f", and {len(files) - _MOST_NAMED:,} more" if len(files) > _MOST_NAMED else ""
    remedies = []
    if rules := ",".join(rules_of_unread(result)):
        where = f"`swarm findings {result.run_id} --rule {rules}`"
        remedies.append(f"{where} lists the errors, in these files or in files that they include: correct them")
    elif broken:
        remedies.append("correct their encoding or name, or make them smaller")
    if late:
        remedies.append("give analyzers more time by `timeout_seconds` under [launch] of swarm.toml")
    blinding = {file: count for by in seen.by for file, count in by.blinded_by.items()}
    because = [f"{count:,} include {plain(file)}, which could not be read" for file, count in blinding.items()]
    because += [f"an analyzer crashed at {late:,} of them, or had no time for them"] if late else []
    return errors.FilesNotRead(
        count=f"{len(files):,}",
        files=", ".join(map(plain, files[:_MOST_NAMED])) + more,
        because="".join(f"; {reason}" for reason in because[:_MOST_NAMED]),
        remedy=", ".join(remedies),
    )


def _lines(result: AuditResult, filters: "Filters", fail_on: str | None, *, lists_all: bool) -> Iterator[str]:
    from swarm.show.audit import lines
    from swarm.waves.named_filters import as_words

    rest = " ".join(("swarm", "findings", result.run_id, *as_words(filters), "--all"))
    return lines(result, rest, gates_new=fail_on == "new", lists_all=lists_all)
