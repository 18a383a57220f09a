"""`swarm doctor`."""

from collections.abc import Iterator

from swarm.cli.call import Call
from swarm.cli.options import verb
from swarm.show.escape import plain
from swarm.waves.results import DoctorResult

_ICONS = {"pass": "✓", "warn": "⚠", "fail": "⊘"}


@verb()
def command(call: Call) -> None:
    """Check the machine, the database and the workspace. Nothing is changed; exit 1 when a check fails."""
    from swarm.waves.checkup import FAIL, check_up

    result = check_up(call.workspace, call.config(call.folder))
    call.answer(result, lambda: _lines(result), int(result.overall == FAIL))


def _lines(result: DoctorResult) -> Iterator[str]:
    for check in result.checks:
        yield f"{_ICONS[check.status]} {check.status}  {check.id}: {plain(check.message)}"
        if check.hint and check.status != "pass":
            yield f"    Next: {plain(check.hint)}"
    yield f"Overall: {result.overall}"
