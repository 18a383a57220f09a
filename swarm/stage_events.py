"""Stage events on stderr: a short line each on a terminal; in a pipe the warnings alone, and a refused dispatch.

`SWARM_LOG=ndjson|human|off` overrides this, and `-q` and `-v` override both. A stderr that fails never breaks a verb.
"""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Final

from swarm import log_lines
from swarm.clock import fresh_correlation_id, now

COMPONENT = "swarm"
# Steps of work that goes well: in a pipe nobody waits for them.
_PROGRESS: Final = frozenset(
    {
        *("attempt_started", "attempt_ended", "audit_goes_on", "baseline_taken", "build_started", "build_ended"),
        *("run_created", "wave_finished", "dispatch_received", "context_loaded", "verify_complete"),
        *("persist_complete", "rebuild_indexes_complete", "rejected_pre_persist", "verify_only_complete"),
    }
)
# The documented event: scripts read it without having set anything.
_REFUSED: Final = "dispatch_precondition_failed"
correlation_id = fresh_correlation_id()
# The form that the command line asked for, which stands above `SWARM_LOG`.
ASKED: Final[ContextVar[str]] = ContextVar("form of stage events", default="")
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}


_erase: Callable[[], None] | None = None


@contextlib.contextmanager
def above(erase: Callable[[], None]) -> Iterator[None]:
    """Leave out lines of progress while a table shows it, and erase the table before another event is written."""
    global _erase  # noqa: PLW0603 - the terminal belongs to the process
    _erase = erase
    try:
        yield
    finally:
        _erase = None


def emit(stage: str, /, **fields: object) -> None:
    """Write an event. `None` fields stay, and no field can replace a field of the envelope."""
    form = _form(stage)
    if form == "off" or (form == "human" and _erase and stage in _PROGRESS):
        return
    envelope: dict[str, object] = {
        "ts": now(),
        "component": COMPONENT,
        "stage": stage,
        "correlation_id": correlation_id,
    }
    line = log_lines.exact(_ndjson(envelope, fields)) if form == "ndjson" else _human(stage, fields)
    # `sys.stderr` is None in a process without a stderr.
    if _erase:
        _erase()
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def is_asked() -> bool:
    """Say whether the command line or the environment asked for a form of events, or for none."""
    return bool(ASKED.get() or os.environ.get("SWARM_LOG"))


def _form(stage: str) -> str:
    asked = ASKED.get() or os.environ.get("SWARM_LOG", "")
    if asked in {"ndjson", "human", "off"}:
        return asked
    try:
        is_terminal = sys.stderr.isatty()
    except (AttributeError, ValueError):
        return "off"
    if stage == _REFUSED and not is_terminal:
        return "ndjson"
    return "off" if stage in _PROGRESS and not is_terminal else "human"


def _ndjson(envelope: dict[str, object], fields: dict[str, object]) -> str:
    named = {_camel(name): value for name, value in fields.items()}
    return json.dumps(named | envelope if envelope.keys() & named.keys() else envelope | named, default=str)


def _human(stage: str, fields: dict[str, object]) -> str:
    text = " ".join(f"{_camel(name)}={value}" for name, value in fields.items() if value is not None)
    return log_lines.shown_lines(f"· {stage.replace('_', ' ')}  {text}".rstrip().translate(_CONTROL))


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)
