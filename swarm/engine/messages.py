"""Messages between a coordinator and its workers: orders, which are signed, and results, which are not believed."""

import base64
import hashlib
import hmac
import json
from typing import Any, Final, NamedTuple

from swarm import errors
from swarm.documents import check, parse_bounded
from swarm.engine.objects import KeptObject

MOST_MESSAGE: Final = 256 * 1024
_ORDER: Final = "engine-order"
_RESULT: Final = "engine-result"
_KEY_BYTES: Final = slice(1, 33)


class WorkOrder(NamedTuple):
    """An order: the attempt of a domain's agent, the commit that it works on, its prompt, and how long it may take.

    `nonce` is what a result must bring back. It names a runtime and no argument list: what a worker starts stands in
    the worker's own configuration.
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


class WorkResult(NamedTuple):
    """The end of an attempt on a worker. `ending` holds the fields of an ending; objects are `None` where none is.

    `untaken` are files that git could not take into the bundle.
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


def nonce_of(seed: str, order: str) -> str:
    """Return the nonce of an order: a coordinator that was started again knows it without having kept it."""
    return hmac.new(seed.encode(), order.encode(), hashlib.sha256).hexdigest()


def signed(order: WorkOrder, seed: str) -> bytes:
    """Return an order with the coordinator's signature over all of it."""
    import nkeys

    document = {**order._asdict(), "base": order.base._asdict(), "prompt": order.prompt._asdict()}
    signature = nkeys.from_seed(bytearray(seed, "ascii")).sign(_text(document))
    return _text({**document, "signature": signature.hex()})


def order_of(body: bytes, coordinator: str) -> WorkOrder:
    """Return the order of a message. Raises OrderForged for one that the coordinator did not sign."""
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


_OBJECTS: Final = ("answer", "work", "stdout", "stderr")


def result_of(body: bytes) -> WorkResult:
    """Return the result of a message, in the form that its schema has. Raises ResultForged."""
    document = _checked(body, _RESULT)
    objects = {name: None if document[name] is None else KeptObject(**document[name]) for name in _OBJECTS}
    return WorkResult(**{**document, **objects, "untaken": tuple(document["untaken"])})


def _text(document: dict[str, Any]) -> bytes:
    # The same text for the same document, so that it can be signed.
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


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
