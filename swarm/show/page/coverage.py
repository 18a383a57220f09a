"""Coverage of the newest audit: who looked at its commit, and what nobody looked at, as HTML."""

from collections.abc import Iterator

from swarm.results.report import CoverageShown, LookShown
from swarm.show.page.html import chip, code, counted, safe, shortened


def coverage(found: CoverageShown | None) -> str:
    """Return the coverage of the newest audit, or a sentence where no audit has ended."""
    return (
        "\n".join(_lines(found)) if found else '<p class="empty">No audit has ended yet: nobody looked at anything.</p>'
    )


def _lines(found: CoverageShown) -> Iterator[str]:
    yield f'<p class="lede">Wave {found.wave} ({safe(found.phase)}) looked at commit {code(found.commit[:12])}.</p>'
    yield '<ul class="looks panel">'
    yield from map(_look, found.looks)
    yield f"<li>{_nobody(found)}</li></ul>"


def _look(look: LookShown) -> str:
    files = counted(look.files, "file")
    # A look that did not end well proves nothing, whatever it was to read.
    seen = files if look.is_complete else f"{files} to read, none counts"
    why = f'<span class="reason">{safe(shortened(look.problem))}</span>' if look.problem else ""
    return f"<li>{chip(look.outcome)} <b>{safe(look.who)}</b> <span>{seen}</span>{why}</li>"


def _nobody(found: CoverageShown) -> str:
    if not found.unaudited:
        return f"<b>Nobody looked at</b> <span>no file: all {found.files:,} were looked at</span>"
    return f"<b>Nobody looked at</b> <span>{found.unaudited:,} of {counted(found.files, 'file')}</span>"
