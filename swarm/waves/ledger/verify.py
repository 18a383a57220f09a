"""`ledger verify`: check every link of the chain, and find a hash that was kept elsewhere."""

from typing import Final

from swarm import errors
from swarm.results.ledger import ChainShown
from swarm.store import ledger
from swarm.store.connection import Store
from swarm.store.ledger import Break

_PROBLEMS: Final = {
    "missing": "{kind} stands where the event with {expected} should, which is gone",
    "hash": "the hash of {kind} was changed: it is {found}, and its columns give {expected}",
    "row": "{kind} was edited, or the event before it was written anew: its hash is {found}, and it gives {expected}",
}


def verify(store: Store, head: str | None) -> ChainShown:
    """Check the whole chain. Raises LedgerBroken at its first break, or where `head` is the hash of no event."""
    chain = ledger.examine(store.conn, head=head)
    if chain.broken is not None:
        raise broken(chain.broken)
    # A chain that was cut or written anew is sound in itself: only a hash kept outside can show that.
    if head is not None and chain.after_head is None:
        problem = f"no event has the hash {head}: the end was cut off, or all was written anew"
        raise errors.LedgerBroken(seq=chain.events, kind=None, what="head", problem=problem)
    return ChainShown(chain.events, chain.first, chain.last, chain.head, chain.after_head)


def broken(link: Break) -> "errors.LedgerBroken":
    """Return the error of a break."""
    problem = _PROBLEMS[link.what].format(kind=link.kind, expected=link.expected, found=link.found)
    return errors.LedgerBroken(seq=link.seq, kind=link.kind, what=link.what, problem=problem)
