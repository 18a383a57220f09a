"""SARIF logs as tools leave them in files and in their output, and reports that are no SARIF."""

from contextlib import suppress
from typing import Any, Final

from swarm import errors
from swarm.runtimes.answer import answer_of
from swarm.runtimes.foreign_reports import Foreign, named_of, named_of_text
from swarm.runtimes.report_text import in_utf8, packed_as, reports_in
from swarm.sarif.log import is_log, merged

_SUFFIXES: Final = (".sarif", ".sarif.json")


def is_named_as_log(name: str) -> bool:
    """Say whether a file is called as SARIF logs are."""
    return name.lower().endswith(_SUFFIXES)


def log_in(body: bytes, shown: str) -> Any:
    """Return the SARIF log that a tool wrote or printed, several logs as one; another JSON value is returned as it is.

    Raises ReportNotSarif for a report of another format, and the errors of JSON that cannot be read.
    """
    if (packed := packed_as(body)) is not None:
        raise _no_sarif(shown, Foreign(f"compressed by {packed}", "decompress it first"))
    text = in_utf8(body)
    if not text.strip():
        raise _no_sarif(shown, Foreign("empty", "its tool wrote nothing: what it printed beside may say why"))
    try:
        values = reports_in(text, shown, is_log)
    except errors.BoundedJsonParseFailed:
        if (foreign := named_of_text(text.decode("utf-8-sig", "replace"))) is None:
            raise
        raise _no_sarif(shown, foreign) from None
    first = values[0]
    logs = first if isinstance(first, list) and first else values
    if all(map(is_log, logs)):
        return merged(logs)
    if (foreign := named_of(first)) is not None:
        raise _no_sarif(shown, foreign)
    return first


def answer_or_log(body: bytes, shown: str) -> Any:
    """Return the answer of an agent, or the SARIF log in a file that is not called as one.

    Raises ReportNotSarif for a report of a tool in another format, and the errors of an answer that cannot be read.
    """
    problem, value = None, None
    try:
        value = answer_of(body, shown)
        if is_log(value) or (isinstance(value, dict) and "domain" in value):
            return value
    except errors.BoundedJsonParseFailed as error:
        problem = error
    # Without a log, what is wrong with the answer says more than what is wrong with the log.
    with suppress(errors.BoundedJsonParseFailed, errors.BoundedJsonSizeLimit):
        log = log_in(body, shown) if body.strip() else None
        if is_log(log):
            return log
    if problem is not None:
        raise problem
    return value


def _no_sarif(shown: str, foreign: Foreign) -> "errors.ReportNotSarif":
    return errors.ReportNotSarif(path=shown, kind=foreign.kind, remedy=foreign.remedy)
