"""`swarm ledger verify` and `replay`."""

import re
from collections.abc import Iterator

import click

from swarm.cli.call import Call
from swarm.cli.options import run_argument, usage, verb
from swarm.cli.shared_options import shared_options
from swarm.results.ledger import ChainShown, Difference, ReplayShown
from swarm.show import text
from swarm.show.escape import plain

_LISTED = 20


@click.group(context_settings={"max_content_width": 100})
@shared_options(hidden=True)
def command() -> None:
    """Prove the ledger: no event was edited, and the tables agree with the events."""


@verb(named="ledger")
@click.option("--head", metavar="HASH", help="Also require that this hash, kept elsewhere, is still in the chain.")
def verify(call: Call, head: str | None) -> None:
    """Check the chain of hashes from the first event to the last; exit 1 at the first event that does not fit.

    The check finds events that were edited, removed or inserted. A ledger that was cut off at its end or rewritten as a
    whole is found only with --head and a hash that this command printed earlier.
    """
    from swarm.waves.ledger.verify import verify

    if head is not None and not re.fullmatch(r"[0-9a-f]{64}", head):
        raise usage("--head takes a whole hash, 64 hexadecimal digits in small letters", "ledger verify")
    with call.read() as store:
        chain = verify(store, head)
    call.answer(chain, lambda: _proved(chain))


@verb(named="ledger")
@run_argument
@click.option("--check", is_flag=True, help="Compare the tables with the ledger; exit 1 if they differ.")
def replay(call: Call, run: str | None, *, check: bool) -> None:
    """Rebuild the states from the ledger alone, of RUN or of every run.

    The states are those of runs, maps, waves, agent runs, attempts, findings, claimed fixes, leases, verifications,
    merges, receipts and promotions. The ledger does not hold the texts and places of findings.
    """
    from swarm.waves.ledger.replay import replay as rebuild

    with call.read() as store:
        result = rebuild(store, call.run(store, run).id if run else None, check=check)
    call.answer(result, lambda: _replayed(result), int(result.checked and result.differing > 0))


def _proved(chain: ChainShown) -> Iterator[str]:
    if not chain.events:
        yield "The ledger is empty."
        return
    yield f"{chain.events:,} events from {chain.first} to {chain.last}; every link holds."
    yield f"Head: {chain.head}"
    if chain.since_head is not None:
        yield f"The hash that you kept is in it, with {chain.since_head:,} events behind it."
    else:
        yield "Next: keep the head elsewhere; `swarm ledger verify --head HASH` then shows a cut tail, too."


def _replayed(result: ReplayShown) -> Iterator[str]:
    counts = ", ".join(text.counted(count, kind.replace("_", " ")) for kind, count in result.counts.items())
    yield f"{result.events:,} events give the states of {counts or 'nothing'}."
    for state in result.states:
        facts = " ".join(f"{name}={value}" for name, value in state.facts.items() if value is not None)
        yield plain(f"{state.subject}  {facts}")
    if not result.differing:
        if result.checked:
            yield "The tables say the same."
        return
    yield f"{text.counted(result.differing, 'difference')} between the ledger and the tables:"
    yield from map(_difference, result.differences[:_LISTED])
    if result.differing > _LISTED:
        yield f"and {result.differing - _LISTED:,} more"
    yield "Next: restore the newest file of backups/, or find out who edited the database; swarm itself repairs nothing"


def _difference(found: Difference) -> str:
    if found.ledger is None and found.fact == "row":
        return plain(f"⊘ {found.subject}: the table has it ({found.table}), and the ledger does not")
    if found.table is None and found.fact == "row":
        return plain(f"⊘ {found.subject}: the ledger has it ({found.ledger}), and the table does not")
    return plain(f"⊘ {found.subject}: {found.fact} is {found.ledger} in the ledger, and {found.table} in the table")


command.add_command(verify, "verify")
command.add_command(replay, "replay")
