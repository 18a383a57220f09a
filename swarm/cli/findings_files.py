"""Files that `swarm findings` writes: the decisions of a run, and its baseline."""

from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn

from swarm import log_lines
from swarm.cli import stdout
from swarm.cli.call import Call, write
from swarm.cli.options import usage
from swarm.show import text
from swarm.show.escape import plain

if TYPE_CHECKING:
    from swarm.waves.look.findings import Filters

BASELINE: Final = "baseline"
_PRINTED: Final = "-"


class FilesWanted(NamedTuple):
    """Options of a call that name files; `is_gate` says that the call has `--fail-on`, which goes with no file."""

    baseline: str | None
    decisions: str | None
    is_gate: bool


def write_file(call: Call, named: str | None, filters: "Filters", wanted: FilesWanted) -> NoReturn:
    """Write the file that a call asks for, and end. Raises CliUsage for options that do not go together."""
    is_listing = filters.limit is not None or filters.group_by or wanted.is_gate
    if wanted.decisions is not None:
        if wanted.baseline is not None:
            raise usage("--export and -o exclude each other", "findings")
        if is_listing or call.form not in {"", "text", "json"}:
            raise usage("--export goes with filters, and with --format text or json", "findings")
        if wanted.decisions == _PRINTED and call.form == "json":
            raise usage("--export - prints TOML, and --format json a document: name a file", "findings")
        _write_decisions(call, named, filters, wanted.decisions)
    if is_listing:
        raise usage("--format baseline goes with filters alone", "findings")
    _write_baseline(call, named, filters, wanted.baseline or _PRINTED)


def _write_decisions(call: Call, named: str | None, filters: "Filters", target: str) -> NoReturn:
    from swarm.files import refuse_target, write_stream
    from swarm.show.toml import HEAD, decisions_file
    from swarm.waves.look.findings import findings
    from swarm.waves.triage.decision_files import DECIDED, exported

    with call.read() as store:
        run = call.run(store, named)
        if target != _PRINTED:
            refuse_target(call.folder / target, store.path, begins=HEAD.partition("\n")[0])
        decisions = list(exported(store.conn, run, filters))
        if call.form == "json":
            wanted = filters._replace(statuses=filters.statuses or DECIDED)
            write_stream(call.folder / target, [decisions_file(decisions)])
            call.answer(findings(store.conn, run, wanted), tuple)
    if target == _PRINTED:
        stdout.put(log_lines.exact(decisions_file(decisions)))
        raise SystemExit(0)
    write_stream(call.folder / target, [decisions_file(decisions)])
    write(f"{text.counted(len(decisions), 'decision')} written to {plain(target)}")
    raise SystemExit(0)


def _write_baseline(call: Call, named: str | None, filters: "Filters", target: str) -> NoReturn:
    from swarm.files import refuse_target, write_stream
    from swarm.waves.audit.baseline_file import BEGINS, exported

    with call.read() as store:
        run = call.run(store, named)
        parts = exported(store.conn, run, filters)
        if target == _PRINTED:
            for part in parts:
                stdout.put(log_lines.exact(part))
        else:
            refuse_target(call.folder / target, store.path, begins=BEGINS)
            write_stream(call.folder / target, parts)
            write(f"Baseline of run {run.id} written to {plain(target)}")
    raise SystemExit(0)
