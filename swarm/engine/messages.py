"""Messages between a coordinator and its workers: signed orders, signs of life, and results, which are not believed."""

import base64
import hashlib
import hmac
import json
from typing import Any, Final, NamedTuple

from swarm import errors
from swarm.clock import is_moment
from swarm.documents import check, parse_bounded
from swarm.engine.objects import KeptObject
from swarm.engines_config import LEASE_SECONDS

MOST_MESSAGE: Final = 256 * 1024
_ORDER: Final = "engine-order"
_RESULT: Final = "engine-result"
_PROGRESS: Final = "engine-progress"
_KEY_BYTES: Final = slice(1, 33)
MOMENTS: Final = ("spawned", "first_output", "last_progress")
_BEGINS_SURROGATE: Final = "\\ud"
_GOOD: Final = frozenset({"success", "no_change"})
# The members of a result that are objects.
_OBJECTS: Final = ("answer", "work", "stdout", "stderr", "events")


class WorkOrder(NamedTuple):
    """An order: the attempt of a domain's agent, the commit that it works on, its prompt, and how long it may take.

    `nonce` is what a result must bring back, `plan` what the dispatch locked of the runtime. An order names a runtime
    and no argument list: what a worker starts stands in the worker's own configuration. `lease_seconds` is how long the
    worker may show no life.
    `files` marks the files of a sparse worktree (`file_marks`), `None` for a worktree with all files.
    """

    id: str
    nonce: str
    run: str
    wave: int
    domain: str
    phase: str
    review: bool
    commit: str
    base: KeptObject
    prompt: KeptObject
    runtime: str
    seconds: float
    plan: dict[str, Any] | None = None
    lease_seconds: int = LEASE_SECONDS
    files: str | None = None


class WorkResult(NamedTuple):
    """The end of an attempt on a worker. `ending` holds the fields of an ending; objects are `None` where none is.

    `untaken` are files that git could not take into the bundle. `used` is what the agent reported of its session and
    cost, `None` where its runtime reports nothing.
    """

    id: str
    nonce: str
    worker: str
    ending: dict[str, Any]
    answer: KeptObject | None
    work: KeptObject | None
    stdout: KeptObject | None
    stderr: KeptObject | None
    untaken: tuple[str, ...] = ()
    events: KeptObject | None = None
    used: dict[str, Any] | None = None

    @property
    def objects(self) -> dict[str, KeptObject]:
        """The objects of the result that there are, by name."""
        return {name: kept for name in _OBJECTS if (kept := getattr(self, name)) is not None}


class WorkProgress(NamedTuple):
    """A sign of life of an attempt: the nonce of its order, and the last event of its agent, `None` before the first.

    The event has the form that a journal has, with the tokens and the cost so far.
    """

    nonce: str
    event: dict[str, Any] | None = None


def nonce_of(seed: str, order: str) -> str:
    """Return the nonce of an order: a coordinator that was started again knows it without having kept it."""
    return hmac.new(seed.encode(), order.encode(), hashlib.sha256).hexdigest()


def cancel_of(nonce: str) -> bytes:
    """Return the message that cancels the order of a nonce, which it does not show: every worker can hear it."""
    return hashlib.sha256(f"cancel {nonce}".encode()).hexdigest().encode()


def signed(order: WorkOrder, seed: str) -> bytes:
    """Return an order with the coordinator's signature over all of it."""
    import nkeys

    document = {**order._asdict(), "base": order.base._asdict(), "prompt": order.prompt._asdict()}
    if order.files is None:
        # A worker that knows nothing of sparse worktrees takes such an order as before.
        del document["files"]
    signature = nkeys.from_seed(bytearray(seed, "ascii")).sign(_text(document))
    return _text({**document, "signature": signature.hex()})


def order_of(body: bytes, coordinator: str) -> WorkOrder:
    """Return the order of a message. Raises ResultForged for one that the coordinator did not sign."""
    from nacl.exceptions import CryptoError
    from nacl.signing import VerifyKey

    document = _checked(body, _ORDER)
    signature = bytes.fromhex(document.pop("signature"))
    try:
        padded = coordinator + "=" * (-len(coordinator) % 8)
        VerifyKey(base64.b32decode(padded)[_KEY_BYTES]).verify(_text(document), signature)
    except (CryptoError, ValueError) as error:
        raise errors.ResultForged(problem=f"order {document['id']} is not signed by the coordinator") from error
    return WorkOrder(**{**document, "base": KeptObject(**document["base"]), "prompt": KeptObject(**document["prompt"])})


def result_text(result: WorkResult) -> bytes:
    """Return a result as a message."""
    objects = {name: None if (kept := getattr(result, name)) is None else kept._asdict() for name in _OBJECTS}
    return _text({**result._asdict(), **objects, "untaken": list(result.untaken)})


def result_of(body: bytes) -> WorkResult:
    """Return the result of a message, in the form that its schema has. Raises ResultForged."""
    document = _checked(body, _RESULT)
    _hold_to_sense(document["ending"])
    objects = {name: KeptObject(**kept) if (kept := document.get(name)) else None for name in _OBJECTS}
    return WorkResult(**{**document, **objects, "untaken": tuple(document["untaken"])})


def _hold_to_sense(ending: dict[str, Any]) -> None:
    """Refuse an ending that no attempt has: a control plane that kept it could not be read any more."""
    strange = [name for name in MOMENTS if ending.get(name) is not None and not is_moment(ending[name])]
    if strange:
        raise errors.ResultForged(problem=f"its {strange[0]} is no moment")
    if (ending["exit_class"] == 0) != (ending["outcome"] in _GOOD):
        raise errors.ResultForged(problem=f"its exit class {ending['exit_class']} is none of {ending['outcome']}")


def progress_text(progress: WorkProgress) -> bytes:
    """Return a sign of life as a message."""
    return _text(progress._asdict())


def progress_of(body: bytes) -> WorkProgress:
    """Return the sign of life of a message. Raises ResultForged."""
    return WorkProgress(**_checked(body, _PROGRESS))


def _text(document: dict[str, Any]) -> bytes:
    # The same text for the same document, so that it can be signed.
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    if _BEGINS_SURROGATE in text:
        # Names of files and words of agents may hold half a surrogate pair, and readers refuse a message with one: a
        # result would count as forged, and a worker whose signs of life have one as lost.
        whole = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
        text = json.dumps(parse_bounded(whole, "message"), sort_keys=True, separators=(",", ":"))
    return text.encode()


def _checked(body: bytes, schema: str) -> dict[str, Any]:
    if len(body) > MOST_MESSAGE:
        raise errors.ResultForged(problem=f"a message of {len(body):,} bytes; {MOST_MESSAGE:,} are the limit")
    try:
        document: dict[str, Any] = parse_bounded(body, schema)
    except errors.SwarmError as error:
        raise errors.ResultForged(problem=error.message) from error
    if problem := check(document, schema):
        raise errors.ResultForged(problem=problem)
    return document
