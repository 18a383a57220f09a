"""`swarm permissions list` and `reply`."""

from collections.abc import Iterator

import click

from swarm.cli.call import Call
from swarm.cli.options import run_argument, run_option, verb
from swarm.cli.shared_options import shared_options
from swarm.results.permissions import PermissionsResult
from swarm.rules.permissions import REPLIES, Reply
from swarm.show import text
from swarm.show.escape import plain


@click.group(context_settings={"max_content_width": 100})
@shared_options(hidden=True)
def command() -> None:
    """List the decisions that agents wait for, and reply to them."""


@verb(named="permissions")
@run_argument
def listed(call: Call, run: str | None) -> None:
    """List the requests for permission of RUN's newest wave."""
    from swarm.waves.watch.permissions import permissions

    with call.read() as store:
        result = permissions(store.conn, call.run(store, run))
    call.answer(result, lambda: _lines(result))


@verb(named="permissions")
@click.argument("permission", type=click.IntRange(min=1), metavar="ID")
@click.argument("answer", type=click.Choice(REPLIES))
@run_option
def reply(call: Call, permission: int, answer: Reply, run: str | None) -> None:
    """Allow what an agent asks for `once` or `always`, or `reject` it. ID is that of `permissions list`."""
    from swarm.waves.watch.permissions import reply as record

    with call.write() as store:
        result = record(store, call.run(store, run), permission, answer)
    call.answer(result, lambda: _lines(result))


def _lines(result: PermissionsResult) -> Iterator[str]:
    yield f"Wave {result.wave_number}: {text.counted(result.open, 'open request')}"
    rows = [
        (
            str(one.id),
            f"attempt:{one.attempt_id}",
            one.domain,
            one.kind,
            plain(one.target or one.tool),
            one.relation,
            one.reply or (f"recommended: {one.recommended}" if one.is_open else "ended"),
        )
        for one in result.permissions
    ]
    if rows:
        yield from text.table(rows, ("id", "attempt", "agent", "type", "target", "worktree", "reply"))
    yield f"Next: {result.next_action}"


command.add_command(listed, "list")
command.add_command(reply, "reply")
