"""Names in filters: domains and rules that exist, and a filter as the words of a command line."""

import shlex
import sqlite3
from collections.abc import Iterable

from swarm import errors
from swarm.store import domains, finding_names
from swarm.store.runs import Run
from swarm.waves.look.findings import Filters


def hold_to_names(conn: sqlite3.Connection, run: Run, filters: Filters) -> None:
    """Refuse a domain or a rule that the run does not know: a misspelt name would pass for a clean result.

    Raises FilterUnknown.
    """
    if filters.domains:
        own = {domain.name for domain in domains.domain_map(conn, run.id)}
        _hold("--domain", "domain", filters.domains, own.union(finding_names.domains_of(conn, run.id)), run)
    # A run without a finding does not say which rules there are.
    if filters.rules and (rules := set(finding_names.rules_of(conn, run.id))):
        _hold("--rule", "rule or category", filters.rules, rules, run)


def _hold(option: str, kind: str, named: Iterable[str], known: set[str], run: Run) -> None:
    strange = next((name for name in named if name not in known), None)
    if strange is None:
        return
    from difflib import get_close_matches

    folded = {name.casefold(): name for name in sorted(known)}
    # A name that resembles none would only mislead.
    near = get_close_matches(strange.casefold(), folded, n=1)
    lists = f"`swarm domains {run.id}` lists them"
    if option == "--rule":
        lists = f"`swarm findings {run.id} --group-by rule` counts by rule"
    nearest = folded[near[0]] if near else None
    meant = f"did you mean `{option} {nearest}`? " if nearest else ""
    raise errors.FilterUnknown(
        option=option, kind=kind, received=strange, run_id=run.id, nearest=nearest, remedy=meant + lists
    )


def is_narrow(filters: Filters) -> bool:
    """Say whether filters can leave out an open finding."""
    return filters._replace(limit=None, group_by=None) != Filters()


def as_words(filters: Filters) -> tuple[str, ...]:
    """Return filters as words of a command line, without limit and groups."""
    lists = (
        ("--status", filters.statuses),
        ("--severity", filters.severities),
        ("--domain", filters.domains),
        ("--rule", filters.rules),
    )
    words = [str(filters.wave)] if filters.wave is not None else []
    for option, values in lists:
        words += [option, shlex.quote(",".join(values))] if values else []
    for path in filters.paths:
        words += ["--path", shlex.quote(path)]
    return tuple(words)
