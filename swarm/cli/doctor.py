"""`swarm doctor`."""

from collections.abc import Iterator

import click

from swarm import errors
from swarm.cli.call import Call
from swarm.cli.options import require_reason, usage, verb
from swarm.results.doctor import DoctorResult
from swarm.show.escape import plain

_ICONS = {"pass": "✓", "warn": "⚠", "fail": "⊘"}


@verb()
@click.option("--fix", is_flag=True, help="Plan the safe repairs; with --apply, carry them out.")
@click.option("--apply/--dry-run", " /-n", help="Carry out the plan of --fix; by default, and with -n, only show it.")
@click.option("--reason", metavar="TEXT", help="Reason; recorded with the repairs.")
def command(call: Call, *, fix: bool, apply: bool, reason: str | None) -> None:
    """Check the machine, the database and the workspace; exit 1 when a check fails. Only --apply changes anything.

    --fix repairs attempts whose supervisor is dead, processes that outlived their attempt, half-written files, missing
    records, permissions of swarm's files, empty worktrees without an agent, scratch trees, and git locks that a killed
    swarm left. Anything that may hold work is listed with the verb that handles it.
    """
    from swarm.waves.doctor.doctor import FAIL, doctor

    if (apply and not fix) or (reason is not None and not apply):
        raise usage("--apply goes with --fix, and --reason with --apply", "doctor")
    why = None
    if apply:
        from swarm.cli.decision_verbs import bounded

        why = bounded(require_reason(reason, "repairing"), "--reason", "doctor")
    call.hold_to_own_workspace()
    repaired = _repaired(call, why) if fix else None
    result = doctor(call.workspace, call.config())
    if repaired is not None:
        result = result._replace(fix=True, applied=apply, repairs=repaired.repairs, left=repaired.left)
    refused = any(repair.status == "not_done" for repair in result.repairs)
    call.answer(result, lambda: _lines(result), int(result.overall == FAIL or refused))


def _repaired(call: Call, why: str | None) -> DoctorResult:
    from swarm.store.connection import open_store
    from swarm.waves.doctor import repairs

    nothing = DoctorResult((), "pass")
    try:
        store = open_store(call.workspace.database, call.verb)
    except errors.SwarmError:
        # A check of the doctor reports why the database does not open.
        return nothing
    with store:
        found = repairs.wards(store, call.workspace)
        done = repairs.planned(found) if why is None else repairs.apply(store, found, why)
    return nothing._replace(repairs=done, left=tuple(item for ward in found for item in ward.left))


def _lines(result: DoctorResult) -> Iterator[str]:
    for check in result.checks:
        yield f"{_ICONS[check.status]} {check.status}  {check.id}: {plain(check.message)}"
        if check.hint and check.status != "pass":
            yield f"    Next: {plain(check.hint)}"
    yield f"Overall: {result.overall}"
    if result.fix:
        yield from _repairs(result)


def _repairs(result: DoctorResult) -> Iterator[str]:
    if not result.repairs:
        yield "Nothing to repair."
    for repair in result.repairs:
        yield f"{repair.status.replace('_', ' ')}  {repair.id}: {plain(repair.what)}"
    for item in result.left:
        yield f"left alone  {item.id}: {plain(item.what)}"
        yield f"    Next: {plain(item.hint)}"
    if result.repairs and not result.applied:
        yield "Nothing was changed. Next: swarm doctor --fix --apply --reason '…'"
