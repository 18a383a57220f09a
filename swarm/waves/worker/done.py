"""The end of an attempt on a worker, as its result brings it to the coordinator."""

import os
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from swarm import errors
from swarm.documents import read_bounded
from swarm.engine.objects import MOST_BYTES
from swarm.git.runner import GitError
from swarm.runtimes import journal
from swarm.runtimes.redaction import Redactor
from swarm.runtimes.runtime import Runtime
from swarm.runtimes.supervisor import Ran
from swarm.store.attempts import Ending
from swarm.waves.launch.attempt_rows import Used, used_by

_FRAGMENT: Final = 900
STOPPED: Final = Ending("killed", 3, error_code="WORKER_STOPPED", error_fragment="its worker was stopped")


class Done(NamedTuple):
    """The end of an attempt, with the answer, the work, and the logs that it left; secrets in logs are masked.

    `events` is the journal of its agent, `used` what the agent reported of its session and cost.
    """

    ending: Ending
    answer: bytes | None = None
    work: bytes | None = None
    stdout: bytes = b""
    stderr: bytes = b""
    untaken: tuple[str, ...] = ()
    events: bytes | None = None
    used: Used | None = None


def done_by(runtime: Runtime, ran: Ran, ending: Ending, folder: Path) -> Done:
    """Return the end of an attempt whose processes have left their logs in a folder."""
    return with_logs(ending, folder, used_by(ran.results, runtime.agent))


def with_logs(ending: Ending, folder: Path, used: Used | None = None) -> Done:
    """Return an end with the logs that lie in a folder, and what an agent that was ended has used."""
    return Done(
        ending,
        stdout=content(folder / "stdout.log") or b"",
        stderr=content(folder / "stderr.log") or b"",
        events=content(folder / journal.NAME),
        used=used,
    )


def not_started(error: Exception) -> Done:
    """Return the end of an attempt that an error has kept from its start."""
    code, words = _named(error)
    return Done(Ending("not_started", 1, error_code=code or "NOT_STARTED", error_fragment=words))


def not_brought(ended: Done, error: Exception) -> Done:
    """Return the end of an attempt whose agent did its work, which an error has kept from being taken."""
    code, words = _named(error)
    return _failed(ended, "runtime_error", code or "WORKER_FAILED", f"its work was not taken: {words}")


def too_large(ended: Done, size: int) -> Done:
    """Return the end of an attempt whose work is larger than any that a coordinator takes."""
    words = f"its work has {size:,} bytes; {MOST_BYTES:,} are the limit"
    return _failed(ended, "invalid_output", "RESULT_TOO_LARGE", words)


def _failed(ended: Done, outcome: str, code: str, words: str) -> Done:
    ending = ended.ending._replace(outcome=outcome, exit_class=3, error_code=code, error_fragment=words)
    return ended._replace(ending=ending)


def _named(error: Exception) -> tuple[str | None, str]:
    typed = error.typed() if isinstance(error, GitError) else error
    return typed.code if isinstance(typed, errors.SwarmError) else None, str(typed)[:_FRAGMENT]


def worker_failed(error: BaseException) -> tuple[Ending, bytes]:
    """Return the end of an attempt whose worker failed by a bug, and the trace of the error, free of secrets.

    The end is none that orders another attempt: the next worker would most likely fail as well.
    """
    clean = Redactor(os.environ).clean
    words = clean(f"its worker failed, not its agent: {type(error).__name__}: {error}")
    trace = clean("".join(traceback.format_exception(error)))
    ending = Ending("runtime_error", 3, error_code="WORKER_FAILED", error_fragment=words[:_FRAGMENT])
    return ending, trace.encode("utf-8", "backslashreplace")


def content(file: Path) -> bytes | None:
    """Return the content of a file, `None` where it is missing, unreadable or too large."""
    with suppress(errors.BoundedJsonReadFailed, errors.BoundedJsonSizeLimit):
        return read_bounded(file)
    return None
