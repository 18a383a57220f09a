"""Report page: a self-contained HTML file without network access, and with no script but its own."""

import base64
import hashlib
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from string import Template
from typing import Final, NamedTuple

from swarm import __version__
from swarm.results.findings import FindingShown
from swarm.results.report import ReportFacts
from swarm.results.wait import LiveAgent
from swarm.rules.findings import OPEN_STATUSES
from swarm.show.page.burn_down import burn_down, summary
from swarm.show.page.coverage import coverage
from swarm.show.page.gates import gates
from swarm.show.page.html import code, counted, icon, moment, safe, severity_icon
from swarm.show.page.now import CONNECTION, WITHOUT_SERVER, at_work
from swarm.show.page.rows import data, row_of
from swarm.show.page.timeline import timeline
from swarm.show.reviews import review_note

_PARTS: Final = Path(__file__).parent
WITHOUT_SCRIPT: Final = 200
# States in which a person need not act at once.
_CALM: Final = ("COMPLETE", "READY TO ADVANCE", "READY TO DISPATCH", "READY TO COLLECT", "IN PROGRESS", "NO WAVE")


class _Setting(NamedTuple):
    """The end of a page's script, the addresses that it may ask, and the sign of its connection."""

    tail: str
    policy: str = ""
    connection: str = ""


_ALONE: Final = _Setting('  begin(JSON.parse(at("data").textContent));\n')


def page(facts: ReportFacts, findings: Iterator[FindingShown]) -> Iterator[str]:
    """Yield the page of a run in pieces; `findings` are all of its findings, gravest first."""
    # Only these are shown without a script, and they are still needed when the stream is written.
    first = list(islice(findings, WITHOUT_SCRIPT))
    values = _values(facts, _ALONE) | {"without_script": "\n".join(_without_script(first, facts.total)), "now": ""}
    # Split, so that the findings can be streamed between both parts of the page.
    before, after = _part("page.html").split("$findings")
    yield Template(before).substitute(values)
    yield from data(facts, map(row_of, chain(first, findings)))
    yield Template(after).substitute(values)


def served_page(facts: ReportFacts, agents: tuple[LiveAgent, ...]) -> str:
    """Return the page of a run that asks its server for the findings, and for each change."""
    values = _values(facts, _served()) | {"without_script": WITHOUT_SERVER, "now": at_work(agents), "findings": "null"}
    return Template(_part("page.html")).substitute(values)


def served_policy() -> str:
    """Return the Content-Security-Policy of a served page, as its server sends it."""
    # Only a header can forbid that another page shows this page in a frame.
    setting = _served()
    return _policy(_part("page.css"), _script(setting.tail), setting.policy) + "; frame-ancestors 'none'"


def _served() -> _Setting:
    return _Setting(_part("live.js"), " connect-src 'self';", CONNECTION)


def _values(facts: ReportFacts, setting: _Setting) -> dict[str, str]:
    style, whole = _part("page.css"), _script(setting.tail)
    return {
        "policy": _policy(style, whole, setting.policy),
        "style": style,
        "script": whole,
        "connection": setting.connection,
        "title": safe(f"{facts.repo}: {facts.run_id}"),
        "header": "\n".join(_header(facts)),
        "coverage": coverage(facts.coverage),
        "burn_down_summary": safe(summary(facts.burn_down)),
        "burn_down": burn_down(facts.burn_down),
        "timeline": timeline(facts),
        "gates": gates(facts),
        "origin": "\n".join(_origin(facts)),
    }


def _script(tail: str) -> str:
    return f'"use strict";\n(() => {{\n{_part("page.js")}{tail}}})();\n'


def _part(name: str) -> str:
    return (_PARTS / name).read_text(encoding="utf-8")


def _policy(style: str, script: str, more: str) -> str:
    """Return the Content-Security-Policy: our style and our script by their digests, `more`, and nothing else."""
    kept = {
        # By digest and not `unsafe-inline`: a script that a finding smuggled in would not run.
        name: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for name, text in (("style", style), ("script", script))
    }
    return (
        f"default-src 'none'; style-src 'sha256-{kept['style']}'; script-src 'sha256-{kept['script']}';{more}"
        " img-src data:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _header(facts: ReportFacts) -> Iterator[str]:
    is_calm = facts.state in _CALM
    yield f'<p class="eyebrow">Swarm report</p><h1>{safe(facts.repo)}</h1>'
    yield '<p class="where">'
    if facts.branch:
        yield f"<span>{icon('⎇')} {code(facts.branch)}</span>"
    newest = facts.waves[-1].commit if facts.waves else facts.commit
    yield f"<span>commit {code(newest[:12])}</span>"
    if newest != facts.commit:
        yield f"<span>since commit {code(facts.commit[:12])}</span>"
    yield f"<span>run {code(facts.run_id)}</span>"
    yield f"<span>since {moment(facts.created)} UTC</span></p>"
    yield '<div class="state">'
    yield f'<span class="chip large {"good" if is_calm else "warn"}">{icon("✓" if is_calm else "⚠")}'
    yield f" {safe(facts.state)}</span> <span>phase <b>{safe(facts.phase)}</b></span></div>"
    if facts.blockers:
        yield '<ul class="blockers">' + "".join(f"<li>{safe(blocker)}</li>" for blocker in facts.blockers) + "</ul>"
    yield '<ul class="tiles" aria-label="Open findings by severity">'
    for name, count in facts.open._asdict().items():
        yield f'<li><a class="tile {name.lower()}" href="#severity={name}"><span class="count">{count:,}</span>'
        yield f'<span class="name">{severity_icon(name)} {name}</span></a></li>'
    yield f'<li><a class="tile open" href="#status=open"><span class="count">{sum(facts.open):,}</span>'
    yield '<span class="name">open in all</span></a></li></ul>'
    closed = {name: count for name, count in facts.by_status.items() if name not in OPEN_STATUSES}
    parts = [f"{count:,} {safe(name)}" for name, count in closed.items()]
    yield f'<p class="closed">{counted(facts.total, "finding")} in all; closed: {", ".join(parts) or "none"}'
    yield f" · {counted(len(facts.waves), 'wave')}</p>"


def _without_script(first: list[FindingShown], total: int) -> Iterator[str]:
    yield f'<p class="note">Without scripts: the first {len(first):,} of {counted(total, "finding")}.</p>'
    yield '<table class="plain"><thead><tr><th scope="col">Severity</th><th scope="col">Where</th>'
    yield '<th scope="col">What</th><th scope="col">Rule</th><th scope="col">Status</th>'
    yield '<th scope="col">Waves</th><th scope="col">Id</th></tr></thead><tbody>'
    for finding in first:
        line = f":{finding.line}" if finding.file and finding.line else ""
        reason = f" ({safe(finding.reason)})" if finding.reason and finding.status != "new" else ""
        review = f"; {safe(note)}" if (note := review_note(finding)) else ""
        yield (
            f'<tr><td class="{finding.severity.lower()}">{severity_icon(finding.severity)} {finding.severity}</td>'
            f"<td>{code((finding.file or '(no file)') + line)}</td><td>{safe(finding.description)}</td>"
            f"<td>{code(finding.rule_id or finding.category)}</td><td>{safe(finding.status)}{reason}{review}</td>"
            f"<td>{finding.first_seen_wave}–{finding.last_seen_wave}</td><td>{code(finding.finding_id)}</td></tr>"  # noqa: RUF001
        )
    yield "</tbody></table>"


def _origin(facts: ReportFacts) -> Iterator[str]:
    yield f"<p>Made by swarm {__version__} from event {facts.ledger_seq:,} of the ledger"
    yield f"({moment(facts.ledger_ts)} UTC, {code(facts.ledger_hash[:16])}); save point {code(facts.save_point_tag)}."
    yield "The same state makes the same page, byte for byte. Times are UTC.</p>"
