"""Faults of agents' providers, read from a status and from the words that programs use for them."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from swarm.rules.agent_events import Fault

_STATUSES: Final = {401: Fault.CREDENTIAL, 403: Fault.CREDENTIAL, 404: Fault.NOT_FOUND, 429: Fault.QUOTA}
_SERVER_ERRORS: Final = range(500, 600)
# The first that is found decides: a text about a credential and a lost connection is about the credential.
_WORDS: Final[Mapping[Fault, Sequence[str]]] = {
    Fault.REASONING_CONTENT: (
        "reasoning_content",
        "encrypted_content",
        "signature in thinking",
        "thinking blocks? must",
    ),
    Fault.CREDENTIAL: (
        *(r"\b40[13]\b", "unauthori[sz]ed", "authenticat", r"invalid[ _](?:x-)?api[ -_]?key", "incorrect api key"),
        *("not logged in", "please run /login", "forbidden", "permission_error", "oauth token"),
    ),
    Fault.EXHAUSTED: (
        *("prompt is too long", "context (?:window|length)", "out of memory", "no space left", "ENOSPC"),
        *("max[_ ]turns",),
    ),
    Fault.QUOTA: (r"\b429\b", "rate[ _-]?limit", "quota", "usage limit", "too many requests", "credit balance"),
    Fault.NOT_FOUND: (
        *(r"\b404\b", "model[^.]{0,80}(?:not found|does not exist)", "no (?:conversation|session|thread) found"),
    ),
    Fault.UNREACHABLE: (
        *("ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "connection refused", "unable to connect", "error sending request"),
        *("waiting for network", "connection error", "could not resolve", "name or service not known", "fetch failed"),
        *("APIConnectionError",),
    ),
    Fault.PROVIDER: (
        *(r"\b5\d\d\b", "overloaded", "internal ?server ?error", "server_error", "api_error", "high demand"),
        *("service ?unavailable", "stream (?:disconnected|closed|ended)", "ECONNRESET", "connection .{0,20}lost"),
        *("incomplete", "timed? ?out"),
    ),
}
_PATTERNS: Final = {fault: re.compile("|".join(words), re.IGNORECASE) for fault, words in _WORDS.items()}
_LONGEST: Final = 4000


def fault_of(status: int | None, text: str) -> Fault:
    """Return the fault that a status names, else the fault that a text speaks of."""
    if status in _STATUSES:
        return _STATUSES[status]
    if status in _SERVER_ERRORS:
        return Fault.PROVIDER
    found = (fault for fault, pattern in _PATTERNS.items() if pattern.search(text[:_LONGEST]))
    return next(found, Fault.UNKNOWN)
