"""`swarm findings`."""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import click

from swarm import log_lines
from swarm.cli import completions, reports
from swarm.cli.call import Call, streamed, write
from swarm.cli.findings_files import BASELINE, FilesWanted, write_file
from swarm.cli.options import FailOn, Words, usage, verb
from swarm.results.findings import FindingShown, FindingsResult
from swarm.rules.findings import SEVERITIES, STATUSES
from swarm.show import digest, text

if TYPE_CHECKING:
    from swarm.results.audit import LookedAt
    from swarm.store.connection import Store
    from swarm.store.runs import Run
    from swarm.waves.look.findings import Filters

_FORMS = ("text", "markdown", "json", "sarif", *reports.FORMATS, BASELINE)


@verb(formats=_FORMS, default="")
@click.argument("words", nargs=-1, metavar="[RUN] [WAVE]", shell_complete=completions.runs)
@click.option(
    "--status", type=Words((*STATUSES, "open", "all")), default=(), help="Statuses to list; by default the open ones."
)
@click.option("--severity", type=Words(SEVERITIES, upper=True), default=(), help="Only these severities.")
@click.option("--path", "paths", multiple=True, metavar="GLOB", help="Only files that match; may be repeated.")
@click.option(
    "--domain", "domains", type=Words(offer=completions.domains), default=(), help="Only files of these domains."
)
@click.option(
    "--rule", "rules", type=Words(offer=completions.rules), default=(), help="Only these rules or categories."
)
@click.option(
    "--group-by",
    type=click.Choice(["file", "rule", "severity", "cause"]),
    help="Also count by file, rule, severity, or the cause that reviewers name.",
)
@click.option("--limit", metavar="N", type=click.IntRange(min=0), help="List at most N findings; all are counted.")
@click.option("--all", "lists_all", is_flag=True, help="List the known findings too; a terminal only counts them.")
@click.option("--fail-on", type=FailOn(), help="Exit 1 only for new findings, or from this severity up.")
@click.option("-o", "output", metavar="FILE", help="Write the answer to FILE, in any format but text.")
@click.option("--export", metavar="FILE", help="Write the decisions of RUN to a TOML file instead; `-` prints them.")
def command(  # noqa: PLR0913
    call: Call,
    words: tuple[str, ...],
    status: tuple[str, ...],
    severity: tuple[str, ...],
    paths: tuple[str, ...],
    domains: tuple[str, ...],
    rules: tuple[str, ...],
    group_by: str | None,
    limit: int | None,
    fail_on: str | None,
    *,
    lists_all: bool,
    output: str | None,
    export: str | None,
) -> None:
    """List the findings of RUN, gravest first: as text on a terminal, as markdown in a pipe.

    With WAVE, only the findings that this wave saw. `--format` is also one of other tools: `csv` for spreadsheets,
    `gitlab` for Code Quality, `rdjson` for reviewdog, `checkstyle` and `junit` for Jenkins, `github` for annotations of
    new findings. `--format baseline` writes all that are not fixed, for `audit --baseline FILE`.

    Exit 0: clean, or a baseline was written; 1: findings; 2: an agent of the wave did not complete.
    """
    from swarm.waves.look.findings import Filters
    from swarm.waves.named_filters import hold_to_names
    from swarm.waves.selection import split_run_and_wave

    if len(words) > 2:  # noqa: PLR2004
        raise usage("it takes a run and a wave at most", "findings")
    named, wave = split_run_and_wave(words)
    filters = Filters(
        statuses=status,
        severities=severity,
        paths=paths,
        domains=domains,
        rules=rules,
        wave=wave,
        limit=limit,
        group_by=group_by,
    )
    if export is not None or call.form == BASELINE:
        write_file(call, named, filters, FilesWanted(output, export, is_gate=fail_on is not None))
    form = call.form or ("markdown" if output is not None or not text.is_terminal() else "text")
    if output is not None and form == "text":
        raise usage("-o goes with every format but text", "findings")
    with call.read() as store:
        run = call.run(store, named)
        hold_to_names(store.conn, run, filters)
        code, head = _head(store, run, filters, fail_on)
        if form == "text":
            # Whoever names a status or a wave asks for findings that are known.
            every = lists_all or bool(status) or wave is not None or not text.is_terminal()
            _show(store, run, filters, head, named, every=every)
        else:
            reports.put(call, store, form, _parts(call, store, run, filters, form, code, head), output)
    raise SystemExit(code)


def _show(
    store: "Store", run: "Run", filters: "Filters", head: FindingsResult, named: str | None, *, every: bool
) -> None:
    # On a terminal alone: a script reads the counts, and must not pay for a look at every file.
    seen = _coverage(store, run, filters) if text.is_terminal() else None
    shown = head if seen is None else head._replace(unaudited=0)
    for line in digest.lines(shown, _listing(store, run, filters, head, named, every=every)):
        write(line)
    if seen is not None:
        from swarm.show.audit import coverage_lines

        for line in coverage_lines(seen):
            write(line)


def _parts(
    call: Call, store: "Store", run: "Run", filters: "Filters", form: str, code: int, head: FindingsResult
) -> Iterator[str]:
    """Yield the document of a format."""
    match form:
        case "json":
            yield from _json(call, store, run, filters, code, head)
        case "sarif":
            yield from reports.sarif(store, run, filters)
        case "markdown":
            yield from _markdown(store, run, filters, head)
        case _:
            listed = head.total if filters.limit is None else min(filters.limit, head.total)
            yield from reports.report(form, run, head, _shown_findings(store, run, filters), listed)


def _markdown(store: "Store", run: "Run", filters: "Filters", head: FindingsResult) -> Iterator[str]:
    from swarm.show import markdown

    title = f"Findings of {run.repo}, wave {head.wave_number}"
    listed = _shown_findings(store, run, filters)
    of_all = _of_all(store, run, filters, head)
    for line in markdown.digest_lines(head, title, listed, limit=filters.limit, of_all=of_all):
        yield log_lines.shown_lines(line) + "\n"


def _head(store: "Store", run: "Run", filters: "Filters", fail_on: str | None) -> tuple[int, FindingsResult]:
    """Return the exit code and the digest without its findings, which are read one at a time."""
    from swarm.waves.look.findings import exit_code, findings

    head = findings(store.conn, run, filters._replace(limit=0))
    return exit_code(head, fail_on), head


def _shown_findings(store: "Store", run: "Run", filters: "Filters") -> Iterator[FindingShown]:
    from swarm.waves.look.findings import shown_findings

    return shown_findings(store.conn, run, filters)


def _json(call: Call, store: "Store", run: "Run", filters: "Filters", code: int, head: FindingsResult) -> Iterator[str]:
    """Yield the document with its findings one at a time: a long list is never held in memory."""
    from swarm.results.document import document, flat_document

    # A single encoder: `json.dumps` would make one for each of 100,000 findings.
    encode = json.JSONEncoder(ensure_ascii=False).encode
    texts = (
        # Only a finding with reviews holds records, and needs the look at each of its values.
        encode(document(finding) if finding.reviews else flat_document(finding))
        for finding in _shown_findings(store, run, filters)
    )
    yield from map(log_lines.exact, streamed(call.verb, code, document(head), "findings", texts))
    yield "\n"


def _coverage(store: "Store", run: "Run", filters: "Filters") -> "LookedAt | None":
    from swarm.waves.audit.looked_at import looked_at_in

    return looked_at_in(store.conn, run, filters)


def _of_all(store: "Store", run: "Run", filters: "Filters", head: FindingsResult) -> int | None:
    """Return the number of open findings without filters that keep nothing."""
    from swarm.waves.look.findings import Filters, findings
    from swarm.waves.named_filters import is_narrow

    return findings(store.conn, run, Filters(limit=0)).total if is_narrow(filters) and not head.total else None


def _listing(
    store: "Store", run: "Run", filters: "Filters", head: FindingsResult, named: str | None, *, every: bool
) -> digest.Listing:
    """Return what the text lists: new findings first, and known ones where `every` is asked for.

    `named` is the run as the command names it.
    """
    from swarm.waves.named_filters import as_words

    most = filters.limit
    if most is None and head.groups is not None:
        most = 0
    is_screen = most is None and text.is_terminal() and not every
    if is_screen:
        most = digest.ON_TERMINAL

    def listed(count: int, *, is_new: bool) -> Iterable[FindingShown]:
        # A query sorts every finding before its first row: none for nothing, and none reads on after the last row.
        every = _shown_findings(store, run, filters._replace(limit=None)) if count else ()
        kept = (finding for finding in every if finding.is_new is is_new)
        return digest.first_screen(kept) if is_screen else islice(kept, count)

    known = head.total - head.new
    new_listed = head.new if most is None else min(most, head.new)
    known_listed = (known if most is None else min(most - new_listed, known)) if every else 0
    return digest.Listing(
        new=listed(new_listed, is_new=True),
        known=listed(known_listed, is_new=False),
        tally=digest.NewAndKnown(head.new, head.fixable, known, digest.fix_command(head.fixable_rules, named)),
        rest=" ".join(("swarm", "findings", run.id, *as_words(filters), "--all")),
        is_for_terminal=text.is_terminal(),
        of_all=_of_all(store, run, filters, head),
    )
