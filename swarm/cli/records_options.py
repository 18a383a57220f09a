"""Options of the verbs about records, the place of records, and the ingest of a run."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from swarm import errors
from swarm.cli.call import Call
from swarm.cli.error_text import show_block
from swarm.cli.shared_options import value_of
from swarm.results.ingest import IngestResult
from swarm.results.persist import IngestOutcome, PersistResult
from swarm.show.escape import plain

if TYPE_CHECKING:
    from swarm.config import Config
    from swarm.store.connection import Store
    from swarm.store.runs import Run

root_option = click.option(
    "--root",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder of records and lessons; else [records] root of swarm.toml, else the folder of the workspace.",
)
attested_option = click.option(
    "--attested-by",
    metavar="NAME",
    help="Who attests waves whose agents swarm did not launch; by default your login name.",
)


def records_root(call: Call, named: Path | None, config: "Config | None" = None) -> Path:
    """Return the folder that records and lessons lie below. Raises InsideAgentWorktree, OwnedByAnotherUser."""
    # An agent must not judge its own work, wherever it wants the record, nor accept its own lessons.
    call.hold_to_own_workspace()
    if named is not None:
        return call.folder / named.expanduser()
    configured = (config or call.config()).records.root
    return call.workspace.folder if configured is None else configured


def persisted(
    call: Call,
    store: "Store",
    run: "Run",
    config: "Config",
    attested_by: str | None,
    root: Path | None,
    *,
    ingest: bool,
    dry_run: bool = False,
) -> PersistResult:
    """Write a run as export and submission, and ingest the submission where that is asked for."""
    from swarm.evidence.records.persist import IngestTo, persist, root_words
    from swarm.evidence.records.run_submission import RunContext

    place = records_root(call, root, config)
    # Without these options a call in the same folder finds the same root.
    is_plain = root is None and not any(map(value_of, ("db", "folders", "trust")))
    to = IngestTo(place, root_words(None if is_plain else place)) if ingest else None
    said = RunContext(config.records.surface, attested_by or _login())
    return persist(store, call.workspace, run, said, os.environ, to=to, dry_run=dry_run)


def ingested_run(call: Call, store: "Store", run: "Run", config: "Config") -> IngestOutcome:
    """Ingest a run that was verified. What stands in the way becomes the outcome: the verdict must still be shown."""
    try:
        outcome = persisted(call, store, run, config, None, None, ingest=True).ingest
    except errors.SwarmError as error:
        from swarm.evidence.records.persist import SUBMISSION, not_ingested

        return not_ingested(error, call.workspace.run_folder(run.id) / SUBMISSION, f"swarm persist {run.id} --ingest")
    if outcome is None:
        raise AssertionError(run.id)
    return outcome


def _login() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        # A container can run as a user id that has no name.
        return f"uid {os.getuid()}"


def report_failed_ingest(call: Call, outcome: IngestOutcome | None, *, dry_run: bool = False) -> bool:
    """Say whether an ingest that was asked for did not end as asked, and show that as an error on stderr."""
    if outcome is None or outcome.ingested or (dry_run and outcome.exit_code == 0):
        return False
    if call.form != "json":
        show_block(
            errors.IngestFailed(
                problem=str(outcome.reason),
                submission=outcome.submission,
                reproduce=outcome.reproduce,
                ingest_exit_code=outcome.exit_code,
            )
        )
    return True


def ingested_lines(outcome: IngestOutcome) -> Iterator[str]:
    """Yield what the ingest of a run came to."""
    yield "Ingested: YES" if outcome.ingested else f"Ingested: NO — {plain(str(outcome.reason))}"
    if outcome.ingested and outcome.result is not None:
        yield from judgement_lines(outcome.result)


def judgement_lines(result: IngestResult) -> list[str]:
    """Return the lines of a judgement: what came of it, and what it rests on."""
    heads = {
        "accepted": "✓ Accepted" if not result.verify_only else "✓ Would be accepted",
        "duplicate": "✓ Already recorded" if result.same_as_recorded else "⚠ Another record has this run id",
        "rejected": "⊘ Rejected" if not result.is_fault else "⊘ Could not be judged",
    }
    verdict = f"{result.verified}" + (f", proposed {result.proposed or 'none'}" if result.downgraded else "")
    rests = {
        "stub": "stub: " + ("taken on trust, nobody was asked" if result.provenance_confirmed else "not asked"),
        "github": "github: " + ("confirmed by the API" if result.provenance_confirmed else "not confirmed"),
    }
    lines = [f"{heads[result.status]}: run {result.run_id} of {result.repo}"]
    lines += [f"  {plain(reason)}" for reason in result.rejection_reasons]
    lines += [f"  Verdict: {verdict}"]
    if result.status != "rejected":
        lines += [f"    lowered by {plain(reason)}" for reason in result.downgrade_reasons]
    lines += [f"  Provenance: {rests[result.provenance]}", f"  Policy: {plain(result.policy_version)}"]
    lines += [f"  ⚠ {plain(warning)}" for warning in result.policy_warnings]
    return [
        *lines,
        f"  Record: {plain(str(Path(result.root) / result.path))}" if result.path else "  Nothing was written.",
    ]
