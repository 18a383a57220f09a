"""Words that a shell offers for a value: runs, findings, domains, phases, runtimes, rules and more."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from swarm import errors, stage_events
from swarm.cli.call import Call
from swarm.cli.shared_options import value_of

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from swarm.store.connection import Store
    from swarm.store.runs import Run


_MOST_OFFERED: Final = 200
Items = list["CompletionItem"]
Completer = Callable[[click.Context, click.Parameter, str], Items]


def offered(offer: Callable[[click.Context, str], Iterable["CompletionItem"]]) -> Completer:
    """Return what click calls for a parameter; a control plane that cannot be read offers nothing."""

    def items(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
        del param
        # Anything on stderr would stand in the line that the user is typing.
        stage_events.ASKED.set("off")
        try:
            with ctx.scope(cleanup=False):
                return list(offer(ctx, incomplete))
        except (errors.SwarmError, sqlite3.Error, OSError):
            return []

    return items


def listed(offer: Completer) -> Completer:
    """Return the completer of a list with commas: its last word is completed."""

    def last(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
        done, comma, word = incomplete.rpartition(",")
        return [_item(f"{done}{comma}{item.value}", item.help) for item in offer(ctx, param, word)]

    return last


def _item(value: str, meaning: str | None = None) -> "CompletionItem":
    from click.shell_completion import CompletionItem

    return CompletionItem(value, help=meaning)


def words(every: Iterable[str], incomplete: str) -> Items:
    """Return the words that begin as the user did, in any case."""
    begun = incomplete.lower()
    return [_item(word) for word in every if word.lower().startswith(begun)]


@contextmanager
def _selected(ctx: click.Context) -> Iterator[tuple["Store", "Run"]]:
    """Open the control plane and give the run that the words before the cursor name."""
    call = Call("completion", value_of("db"), "text", value_of("trust"))
    with call.read() as store:
        yield store, call.run(store, _run_named(ctx))


def _run_named(ctx: click.Context) -> str | None:
    from swarm.rules.findings import id_prefix

    given = [ctx.params.get("named"), ctx.params.get("run"), *(ctx.params.get("words") or ())]
    return next((word for word in given if isinstance(word, str) and id_prefix(word) is None), None)


@offered
def runs(ctx: click.Context, incomplete: str) -> Items:
    """Return the runs, newest first."""
    del ctx
    from swarm.store import runs as table

    call = Call("completion", value_of("db"), "text")
    with call.read() as store:
        every = [(run.id, f"{run.repo}, {run.status}") for run in table.every(store.conn)]
    return [_item(name, text) for name, text in (("latest", "the newest run"), *every) if name.startswith(incomplete)]


@offered
def findings(ctx: click.Context, incomplete: str) -> Items:
    """Return the ids of findings that begin as the user did, with or without `F-`."""
    from swarm.rules.findings import id_prefix
    from swarm.store import finding_names as table

    is_begun = incomplete.lower() not in {"", "f"}
    # Every id begins with `F-`.
    digits = incomplete.lower().removeprefix("f-")
    prefix = id_prefix(f"F-{digits}") if is_begun and digits else "F-"
    if prefix is None:
        return []
    with _selected(ctx) as (store, run):
        every = table.headlines(store.conn, run.id, prefix, _MOST_OFFERED)
    # What was typed stays as it was typed: a shell drops a word that begins otherwise.
    return [
        _item(incomplete + id_[len(prefix) :] if is_begun else id_, f"{severity} {file or ''} {text}")
        for id_, severity, file, text in every
    ]


def runs_and_findings(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return what `[RUN] [FINDING]...` takes: findings, and runs in the first place."""
    return findings(ctx, param, incomplete) + ([] if ctx.params.get("words") else runs(ctx, param, incomplete))


@offered
def domains(ctx: click.Context, incomplete: str) -> Items:
    """Return the domains of the run."""
    from swarm.store import domains as table

    with _selected(ctx) as (store, run):
        return words([domain.name for domain in table.domain_map(store.conn, run.id)], incomplete)


def outputs(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return the domains of the run, each with the colon that an output's path follows."""
    return [_item(f"{item.value}:") for item in domains(ctx, param, incomplete)]


@offered
def rules(ctx: click.Context, incomplete: str) -> Items:
    """Return the rules and categories of the run's findings."""
    from swarm.store import finding_names as table

    with _selected(ctx) as (store, run):
        return words(table.rules_of(store.conn, run.id), incomplete)


@offered
def runtimes(ctx: click.Context, incomplete: str) -> Items:
    """Return the runtimes of this machine and of the configuration."""
    del ctx
    from swarm.runtimes import registry

    call = Call("completion", value_of("db"), "text", value_of("trust"))
    return words(registry.names(call.config()), incomplete)


@offered
def keys(ctx: click.Context, incomplete: str) -> Items:
    """Return the names of the user's signing keys."""
    del ctx
    from swarm.signing import keys as store

    return words([file.stem for file in store.files()], incomplete)


@offered
def phases(ctx: click.Context, incomplete: str) -> Items:
    """Return the phases that can be dispatched."""
    del ctx
    from swarm.rules.phases import DISPATCHED_PHASES

    return words(DISPATCHED_PHASES, incomplete)


def runs_and_phases(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return what `[RUN] PHASE` takes."""
    return phases(ctx, param, incomplete) + ([] if ctx.params.get("words") else runs(ctx, param, incomplete))


@offered
def audit_phases(ctx: click.Context, incomplete: str) -> Items:
    """Return the phases of audits."""
    del ctx
    from swarm.rules.phases import AUDIT_PHASES

    return words(AUDIT_PHASES, incomplete)


def subjects(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return what `explain` takes: error codes, exit codes, rules and findings."""
    from swarm.waves.look.explain import EXIT_CODES

    known = words((*sorted(errors.CATALOGUE), *(f"exit:{code}" for code in EXIT_CODES)), incomplete)
    return known + rules(ctx, param, incomplete) + findings(ctx, param, incomplete)


@offered
def save_points(ctx: click.Context, incomplete: str) -> Items:
    """Return the save points of runs."""
    del ctx
    from swarm.store import runs as table

    call = Call("completion", value_of("db"), "text")
    with call.read() as store:
        return words([run.save_point_tag for run in table.every(store.conn)], incomplete)


@offered
def schemas(ctx: click.Context, incomplete: str) -> Items:
    """Return the names of schemas."""
    del ctx
    from swarm.documents import schema_names

    return words(schema_names(), incomplete)


@offered
def verbs(ctx: click.Context, incomplete: str) -> Items:
    """Return the verbs."""
    del ctx
    from swarm.cli.verbs import HELP

    return [_item(name, line) for name, line in HELP.items() if name.startswith(incomplete)]


@offered
def helped(ctx: click.Context, incomplete: str) -> Items:
    """Return what `help` takes: verbs and pages of the documentation."""
    del ctx
    from swarm.cli.verbs import HELP
    from swarm.shipped import topics

    named = {**dict.fromkeys(topics(), "a page of the documentation"), **HELP, "topics": "the list of pages"}
    return [_item(name, line) for name, line in sorted(named.items()) if name.startswith(incomplete)]
