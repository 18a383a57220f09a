"""`swarm verify`."""

from collections.abc import Iterator
from pathlib import Path

import click

from swarm.cli.call import Call
from swarm.cli.options import (
    accept_option,
    accepting_reason,
    repo_path_option,
    run_argument,
    threshold_option,
    usage,
    verb,
)
from swarm.cli.records_options import ingested_lines, ingested_run, report_failed_ingest
from swarm.results.verify import BuildShown, VerifyResult
from swarm.rules.no_worse import StepAnswer
from swarm.show import text
from swarm.show.build import gate_lines
from swarm.show.escape import plain
from swarm.show.second_look import row_line, summary_line

_MOST_SHOWN = 50


@verb()
@run_argument
@threshold_option
@click.option(
    "--adapter", metavar="NAME", help="python, node, rust, go or configured; by default the one that fits best."
)
@click.option(
    "--commit",
    "revision",
    metavar="REV",
    help="Commit to prove; by default the merged and unpublished commit, else HEAD.",
)
@accept_option("fewer tests than before the wave")
@click.option("--reason", metavar="TEXT", help="Reason; recorded.")
@click.option("--probe-only", is_flag=True, help="Show the steps; run and record nothing.")
@click.option("--ingest", is_flag=True, help="Also submit the run, and keep it as a record; see `swarm persist`.")
@repo_path_option
def command(  # noqa: PLR0913
    call: Call,
    run: str | None,
    threshold: int,
    adapter: str | None,
    revision: str | None,
    accept: tuple[str, ...],
    reason: str | None,
    repo_path: Path | None,
    *,
    probe_only: bool,
    ingest: bool,
) -> None:
    """Prove RUN's code: its lint, types, tests and build, and a second look at every fixed or claimed finding.

    Exit 0: proved. 1: the build does not pass, or more findings offend than the threshold allows. 2: the check could
    not run. A receipt is kept in each case, and exit 0 makes a collected wave verified. With --ingest, exit 1 also says
    that the submission of the run did not end in an accepted record.
    """
    from swarm.waves.prove.verify import VerifyOptions, verify

    why = accepting_reason(accept, reason)
    if ingest and probe_only:
        raise usage("--ingest and --probe-only exclude each other", "verify")
    with call.read() if probe_only else call.write() as store:
        selected = call.run_here(store, run, repo_path, tell=True)
        options = VerifyOptions(
            threshold=threshold,
            revision=revision,
            adapter=adapter,
            probe_only=probe_only,
            accept=accept,
            reason=why,
        )
        config = call.config(Path(selected.local_path))
        result = verify(store, call.workspace, selected, options, config)
        if ingest:
            result = result._replace(ingest=ingested_run(call, store, selected, config))
    exit_code = max(result.exit_code, int(report_failed_ingest(call, result.ingest)))
    call.answer(result, lambda: _lines(result, probe_only=probe_only), exit_code)


def _lines(result: VerifyResult, *, probe_only: bool) -> Iterator[str]:
    what = "would be proved" if probe_only else "looked at"
    yield f"Commit {result.commit_sha} {what}"
    if probe_only:
        for step in result.steps:
            yield f"  {step.name} ({step.kind}): {plain(' '.join(step.argv))}"
        fits = ", ".join(f"{name} {score}" for name, score in (result.probes or {}).items() if score)
        yield f"Adapter: {result.adapter or 'none fits'}" + (f" (of {fits})" if fits else "")
    else:
        build = (result.verdict, result.adapter, result.steps, result.test_count)
        accepted = result.accepted if result.accepted == StepAnswer.NO_WORSE else None
        yield from gate_lines(BuildShown(*build, flaky=False, accepted=accepted, isolation=result.isolation))
    yield summary_line(result.claims.summary)
    for row in result.claims.offending[:_MOST_SHOWN]:
        yield row_line(row)
    if len(result.claims.offending) > _MOST_SHOWN:
        yield f"… and {len(result.claims.offending) - _MOST_SHOWN:,} more"
    if result.note:
        yield f"⚠ {result.note}"
    if result.fixed:
        yield f"✓ {text.counted(len(result.fixed), 'claimed finding')} fixed now: {', '.join(result.fixed)}"
    if result.threshold_exceeded:
        offend = (
            "1 finding offends"
            if len(result.claims.offending) == 1
            else f"{len(result.claims.offending):,} findings offend"
        )
        yield f"⊘ {offend}, and {result.threshold:,} may"
    if not probe_only:
        verdict = {0: "✓ Verified.", 1: "⊘ Not verified.", 2: "⊘ It could not be looked at."}[result.exit_code]
        yield f"{verdict} Receipt {result.receipt_id}."
    if result.ingest is not None:
        yield from ingested_lines(result.ingest)
    yield f"Next: {result.next_action}"
