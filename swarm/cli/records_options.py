"""Options of the verbs about records, and the place of records."""

from pathlib import Path

import click

from swarm.cli.call import Call
from swarm.results.ingest import IngestResult
from swarm.show.escape import plain

root_option = click.option(
    "--root",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder of the records; else [records] root of swarm.toml, else the folder of the workspace.",
)


def records_root(call: Call, named: Path | None) -> Path:
    """Return the folder that the records lie below."""
    # An agent must not judge its own work, wherever it wants the record.
    call.hold_to_own_workspace()
    if named is not None:
        return call.folder / named.expanduser()
    configured = call.config().records.root
    return call.workspace.folder if configured is None else configured


def judgement_lines(result: IngestResult) -> list[str]:
    """Return the lines of a judgement: what came of it, and what it rests on."""
    heads = {
        "accepted": "✓ Accepted" if not result.verify_only else "✓ Would be accepted",
        "duplicate": "✓ Already recorded" if result.same_as_recorded else "⚠ Another record has this run id",
        "rejected": "⊘ Rejected" if not result.is_fault else "⊘ Could not be judged",
    }
    verdict = f"{result.verified}" + (f", proposed {result.proposed or 'none'}" if result.downgraded else "")
    rests = {
        "stub": "stub: taken on trust, nobody was asked",
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
