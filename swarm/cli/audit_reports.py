"""Documents of `audit` beside its own: the report formats, SARIF and markdown, each on stdout or in a file."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from swarm import errors, log_lines
from swarm.cli import completions, reports
from swarm.cli.call import Call
from swarm.cli.options import usage
from swarm.results.audit import AuditResult
from swarm.results.findings import Broken, FindingsResult

if TYPE_CHECKING:
    from swarm.store.connection import Store
    from swarm.waves.look.findings import Filters

DOCUMENTS: Final = ("markdown", "sarif", *reports.FORMATS)


class ReportFile(NamedTuple):
    """A file that an audit writes, and its format."""

    form: str
    file: str


class ReportParam(click.ParamType[ReportFile]):
    """Parameter type: a format and the file to write, as `sarif:swarm.sarif`."""

    name = "format:file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> ReportFile:
        """Return the format and the file."""
        if isinstance(value, ReportFile):
            return value
        form, colon, file = str(value).partition(":")
        if not colon or not file:
            self.fail(f"'{errors.shortened(str(value))}' is not FORMAT:FILE, as sarif:swarm.sarif", param, ctx)
        if form not in DOCUMENTS:
            self.fail(f"'{errors.shortened(form)}' is not a format; choose from {', '.join(DOCUMENTS)}", param, ctx)
        return ReportFile(form, file)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Return the form of the value for `--help`."""
        del param, ctx
        return "FORMAT:FILE"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> completions.Items:
        """Return the formats."""
        del ctx, param
        return completions.words(tuple(f"{form}:" for form in DOCUMENTS), incomplete)


def refuse_targets(call: Call, wanted: tuple[ReportFile, ...]) -> None:
    """Refuse files that cannot be written, before an audit that may take minutes.

    Raises OutputNotWritable, and CliUsage for two reports in a single file.
    """
    for form, file in wanted:
        reports.refuse_file(call.folder / file, call.workspace.database, form)
    if len({(call.folder / file).resolve() for _, file in wanted}) < len(wanted):
        raise usage("each --report needs a file of its own", "audit")


def audit_document(call: Call, store: "Store", result: AuditResult, filters: "Filters", form: str) -> Iterator[str]:
    """Yield an audit in a format; in each of them new means new against the baseline of the audit."""
    new = frozenset(result.new_since_baseline)
    match form:
        case "sarif":
            has_baseline = result.baseline.kind != "first_audit"
            yield from reports.sarif(store, call.run(store, result.run_id), filters, new if has_baseline else None)
        case "markdown":
            from swarm.show.audit import coverage_lines
            from swarm.show.markdown import audit_lines

            for line in audit_lines(result, coverage_lines(result.looked_at)):
                yield log_lines.shown_lines(line) + "\n"
        case _:
            # The digest compares with earlier audits alone.
            listed = [finding._replace(is_new=finding.finding_id in new) for finding in result.digest.findings]
            run = call.run(store, result.run_id)
            yield from reports.report(form, run, _with_unread(result), listed, len(listed))


def _with_unread(result: AuditResult) -> FindingsResult:
    """Return the digest with files that could not be read and refused reports as parts that were not looked at."""
    late = frozenset(result.looked_at.not_ended)
    reasons = {True: "an analyzer crashed at the file, or had no time", False: "the file could not be read"}
    unread = (Broken(file, reasons[file in late]) for file in result.looked_at.not_read)
    refused = (Broken("report", item) for item in result.refused_items)
    return result.digest._replace(broken=(*result.digest.broken, *unread, *refused))
