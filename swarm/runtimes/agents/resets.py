"""Times at which limits of a provider end, read from the words of programs."""

import re
from datetime import datetime, timedelta
from typing import Final

from swarm.rules.agent_events import MOST_COUNTED

_LONGEST: Final = 4000
_SPAN: Final = re.compile(r"in\s+((?:\d+\s*(?:d|h|m|s)[a-z]*[\s,]*(?:and\s+)?){1,4})", re.IGNORECASE)
_PART: Final = re.compile(r"(\d+)\s*([dhms])", re.IGNORECASE)
_SECONDS: Final = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_EPOCH: Final = re.compile(r"\|\s*(1\d{9})\b|reset[a-z_]*\D{0,8}\b(1\d{9})\b", re.IGNORECASE)
_CLOCK: Final = re.compile(r"\bat\s+(\d{1,2})(?::([0-5]\d))?\s*([ap])\.?m", re.IGNORECASE)
_NOON: Final = 12


def resets_at(text: str, now: float) -> float | None:
    """Return the time, in seconds since 1970, at which a text says that a limit ends; `None` where it says nothing.

    Programs write `in 2 hours 5 minutes`, `at 3:45 PM` of the machine's own day, or the number of the second.
    """
    text = text[:_LONGEST]
    if found := _EPOCH.search(text):
        return float(found[1] or found[2])
    if found := _SPAN.search(text):
        seconds = sum(int(count) * _SECONDS[unit.lower()] for count, unit in _PART.findall(found[1]))
        return now + seconds if seconds < MOST_COUNTED else None
    if found := _CLOCK.search(text):
        present = datetime.fromtimestamp(now).astimezone()
        hour = int(found[1]) % _NOON + (_NOON if found[3].lower() == "p" else 0)
        moment = present.replace(hour=hour, minute=int(found[2] or 0), second=0, microsecond=0)
        return (moment if moment > present else moment + timedelta(days=1)).timestamp()
    return None
