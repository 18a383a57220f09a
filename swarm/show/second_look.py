"""Text of the `verify-*` verbs: the summary, and a line for each finding."""

from swarm.results.second_look import ClaimRow, ClaimsSummary
from swarm.show import text
from swarm.show.escape import plain

_BAD = ("regressed", "claimed-but-still-present", "broken", "drifted")


def summary_line(summary: ClaimsSummary) -> str:
    """Return the classes of a second look, counted, on one line."""
    if not summary.total:
        return "Nothing to look at again."
    counts = [
        (summary.verified, "verified"),
        (summary.regressed, "regressed"),
        (summary.claimed_but_still_present, "claimed but still present"),
        (summary.drifted, "drifted"),
        (summary.broken, "broken"),
        (summary.unverifiable, "unverifiable"),
    ]
    parts = ", ".join(f"{count:,} {word}" for count, word in counts if count)
    return f"{text.counted(summary.total, 'finding')} looked at again: {parts}"


def row_line(row: ClaimRow) -> str:
    """Return a row of a second look on one line."""
    icon = "⊘" if row.classification in _BAD else "✓" if row.classification == "verified" else "⚠"
    where = plain(row.file or "(no file)") + (f":{row.line}" if row.file and row.line else "")
    return f"{icon} {where}  {row.finding_id}  {row.classification} by {row.verified_via}: {plain(row.evidence)}"
