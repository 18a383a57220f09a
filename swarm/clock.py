"""Time and fresh ids, read only here."""

import os
import time
from datetime import UTC, datetime

BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


def now() -> str:
    """Return the present as ISO-8601 UTC with milliseconds and `Z`."""
    return iso(time.time())


def epoch() -> float:
    """Return the present as seconds since 1970."""
    return time.time()


def today() -> str:
    """Return the present day, in UTC, as `YYYY-MM-DD`."""
    return now()[:10]


def iso(epoch_seconds: float) -> str:
    """Return a POSIX time, in seconds, as ISO-8601 UTC with milliseconds and `Z`."""
    moment = datetime.fromtimestamp(epoch_seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def is_moment(text: str) -> bool:
    """Say whether a text is a moment as `iso` writes it."""
    try:
        return iso(datetime.fromisoformat(text).timestamp()) == text
    except (ValueError, OverflowError, OSError):
        return False


def seconds_since(moment: str) -> float:
    """Return the seconds from an `iso` moment until now; negative when the clock went backward."""
    return time.time() - datetime.fromisoformat(moment).timestamp()


def seconds_until(epoch_seconds: float) -> float:
    """Return the seconds from now until a POSIX time; negative for a time that has passed."""
    return epoch_seconds - time.time()


def fresh_run_id() -> str:
    """Return `swarm-<epoch seconds>-<8 hex>`; the hex keeps two runs of the same second apart."""
    chance = _random_hex(4)
    while chance.isdigit():
        # A hex without letters would read as the number of a wave.
        chance = _random_hex(4)
    return f"swarm-{int(time.time())}-{chance}"


def fresh_correlation_id() -> str:
    """Return `coord-<base36 milliseconds>-<4 hex>`, the same for all events of an invocation."""
    rest, digits = int(time.time() * 1000), ""
    while rest:
        rest, digit = divmod(rest, 36)
        digits = BASE36[digit] + digits
    return f"coord-{digits}-{_random_hex(2)}"


def _random_hex(count: int) -> str:
    # As `secrets.token_hex`, whose imports would cost every start 5 ms.
    return os.urandom(count).hex()
