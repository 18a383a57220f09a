"""Pieces of HTML with escaped text, and times and durations for people."""

from datetime import datetime
from html import escape
from typing import Final

from swarm.show.escape import plain
from swarm.show.text import SEVERITY_ICONS

MOST_SHOWN: Final = 1_000
# Variation selector: show the icon before it as text, not as a coloured picture.
AS_TEXT: Final = "\N{VARIATION SELECTOR-15}"
DASH: Final = "–"  # noqa: RUF001
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400

# Icon and tone of each state; the word stands beside them.
STATES: Final = {
    "pending": ("…", "quiet"),
    "waiting": ("…", "quiet"),
    "queued": ("…", "quiet"),
    "dispatched": ("…", "quiet"),
    "running": ("▶", "quiet"),
    "complete": ("✓", "good"),
    "collected": ("✓", "good"),
    "verified": ("✓", "good"),
    "advanced": ("→", "good"),
    "success": ("✓", "good"),
    "pass": ("✓", "good"),
    "passed": ("✓", "good"),
    "granted": ("✓", "good"),
    "requested": ("…", "quiet"),
    "aborted_for_rewind": ("↩", "quiet"),
    "ownership_violation": ("⚠", "bad"),
    "timed_out": ("◷", "bad"),
    "stalled": ("◷", "bad"),
    "no_tests": ("⚠", "warn"),
    "skip": ("⚠", "warn"),
    "unmeasured_tests": ("⚠", "warn"),
    "tool_missing": ("⚠", "warn"),
    "missing": ("⚠", "warn"),
    "no_change": ("⚠", "warn"),
}
# A state that is not listed counts as bad: a new state must not look good by accident.
_ELSE: Final = ("✕", "bad")


def safe(text: str) -> str:
    """Return text as the content of an element or of a quoted attribute; very long text is cut."""
    # Cut, then made harmless, then escaped: cutting later could split an entity.
    return escape(plain(shortened(text)))


def shortened(text: str, room: int = MOST_SHOWN) -> str:
    """Cut a text to a number of characters."""
    return text if len(text) <= room else text[: room - 1] + "…"


def icon(sign: str) -> str:
    """Return an icon beside its word, hidden from screen readers."""
    return f'<span class="icon" aria-hidden="true">{sign}{AS_TEXT}</span>'


def severity_icon(name: str) -> str:
    """Return the icon of a severity."""
    return icon(SEVERITY_ICONS[name])


def chip(state: str) -> str:
    """Return a state as its icon and its word."""
    sign, tone = STATES.get(state, _ELSE)
    return f'<span class="chip {tone}">{icon(sign)} {safe(state.replace("_", " "))}</span>'


def verdict_word(verdict: str, *, passed: bool) -> str:
    """Return the word of a verification, which can fail although its build passes."""
    return "claims fail" if verdict == "pass" and not passed else verdict


def tone_of(state: str) -> str:
    """Return the tone of a state."""
    return STATES.get(state, _ELSE)[1]


def sign_of(state: str) -> str:
    """Return the icon of a state, as text."""
    return STATES.get(state, _ELSE)[0] + AS_TEXT


def code(text: str) -> str:
    """Return text as code."""
    return f"<code>{safe(text)}</code>"


def moment(stamp: str) -> str:
    """Return an ISO-8601 time for people, in UTC."""
    return f'<time datetime="{safe(stamp)}">{safe(stamp[:10])} {safe(stamp[11:16])}</time>'


def seconds_between(begin: str, end: str) -> float:
    """Return the seconds from one time to another, 0 where the clock went backward."""
    return max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds())


def duration(seconds: float) -> str:
    """Return a duration in its two largest units."""
    whole = round(seconds)
    if whole < 1:
        return f"{round(seconds * 1000)} ms" if seconds else "0 s"
    for size, small, unit, rest in ((_DAY, _HOUR, "d", "h"), (_HOUR, _MINUTE, "h", "min"), (_MINUTE, 1, "min", "s")):
        if whole >= size:
            left = whole % size // small
            return f"{whole // size} {unit} {left} {rest}" if left else f"{whole // size} {unit}"
    return f"{whole} s"


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """Return a number with its noun."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"
