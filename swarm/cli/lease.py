"""`swarm lease list`, `grant` and `deny`."""

import os
from collections.abc import Iterator
from pathlib import Path

import click

from swarm.cli import completions
from swarm.cli.call import Call
from swarm.cli.decision_verbs import named_option, required_text, run_named_once
from swarm.cli.options import repo_path_option, run_argument, verb
from swarm.cli.shared_options import shared_options
from swarm.results.lease import LeaseShown, LeasesResult
from swarm.show import text
from swarm.show.escape import plain

_domain = click.option(
    "--domain",
    required=True,
    metavar="NAME",
    help="Domain whose agent needs the file.",
    shell_complete=completions.domains,
)
_file = click.option(
    "--file", "file", required=True, metavar="PATH", help="File, relative to the root of the repository."
)
_reason = click.option("--reason", metavar="TEXT", help="Reason; recorded and shown.")


@click.group(context_settings={"max_content_width": 100})
@shared_options(hidden=True)
def command() -> None:
    """List, grant and deny leases: files that an agent may edit although another domain owns them.

    A lease is for the wave in flight, else for the next wave. Agents ask for leases in their outputs.
    """


@verb()
@run_argument
@named_option
def list_leases(call: Call, run: str | None, named: str | None) -> None:
    """List the leases that RUN's agents asked for or were given."""
    from swarm.waves.triage import lease as leasing

    with call.read() as store:
        result = leasing.list_leases(store.conn, call.run(store, run_named_once(run, named, "lease list")))
    call.answer(result, lambda: _list(result))


def _deciding(word: str, help_: str, *, grant: bool) -> click.Command:
    """Return the verb `lease grant` or `lease deny`: both take the same options."""

    @verb(named="lease")
    @run_argument
    @named_option
    @_domain
    @_file
    @_reason
    @repo_path_option
    def decide(
        call: Call,
        run: str | None,
        named: str | None,
        domain: str,
        file: str,
        reason: str | None,
        repo_path: Path | None,
    ) -> None:
        from swarm.git.path_text import path_text
        from swarm.waves.triage import lease as leasing

        why = required_text(reason, "--reason", f"lease {word}")
        with call.write() as store:
            chosen = call.run_here(store, run_named_once(run, named, f"lease {word}"), repo_path, tell=True)
            path = path_text(os.fsencode(file))
            result = leasing.lease(store, chosen, domain, path, grant=grant, reason=why)
        call.answer(result, lambda: _decided(result))

    decide.help = help_
    return decide


def _decided(result: LeasesResult) -> Iterator[str]:
    (lease,) = result.leases
    already = "" if result.changed else " It was so already."
    yield f"{plain(lease.file)} is {lease.status} to {lease.domain} for wave {lease.wave}.{already}"
    yield f"Next: {result.next_action}"


def _list(result: LeasesResult) -> Iterator[str]:
    if not result.leases:
        yield "No leases."
        return
    rows = [
        (f"{lease.wave}", lease.domain, lease.file, lease.owner or "unassigned", lease.status, _why(lease))
        for lease in result.leases
    ]
    yield from text.table(rows, ("wave", "domain", "file", "owner", "status", "reason"))
    yield f"Next: {result.next_action}"


def _why(lease: LeaseShown) -> str:
    asked = f"asked: {lease.request_reason}" if lease.request_reason else ""
    return "; ".join(part for part in (lease.reason, asked) if part)


command.add_command(list_leases, "list")
command.add_command(
    _deciding(
        "grant", "Let a domain's agent edit a file of another domain.\n\nThe lease is for one wave of RUN.", grant=True
    ),
    "grant",
)
command.add_command(
    _deciding(
        "deny",
        "Refuse a file to a domain's agent, or withdraw its lease.\n\nThe denial is for one wave of RUN.",
        grant=False,
    ),
    "deny",
)
