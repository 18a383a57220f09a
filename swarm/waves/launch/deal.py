"""Dealing of analyzers' findings to the domains that own their files."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from swarm.rules.ownership import OwnershipMap
from swarm.rules.phases import LENSES, Phase
from swarm.rules.states import GRAVEST_FIRST
from swarm.store.attempts import Ending
from swarm.waves.launch.analyze import Analyzed, Planned
from swarm.waves.launch.ending import cut


def dealt(
    analyzed: Sequence[Analyzed], owners: OwnershipMap, domains: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """Return the findings of all analyzers by domain, each marked by its tool.

    Findings outside of the domains, and those without a file, go to the first domain, which only reports them: the
    owner of a file is found again when they are collected.
    """
    found: dict[str, list[dict[str, Any]]] = {domain: [] for domain in domains}
    owner_at: dict[str | None, str] = {None: domains[0]}
    for done in analyzed:
        for finding in (done.product.output or {}).get("findings", ()) if done.product else ():
            path = finding.get("file")
            if path not in owner_at:
                owner = owners.owner_of(path)
                owner_at[path] = owner.name if owner is not None and owner.name in found else domains[0]
            found[owner_at[path]].append({**finding, "analyzer": done.planned.tool})
    return found


def refused(analyzed: Sequence[Analyzed]) -> list[Any]:
    """Return the parts of the analyzers' reports that do not count, of whatever domain."""
    return [part for done in analyzed if done.product for part in (done.product.output or {}).get("refused", ())]


def concerned(plans: Iterable[Planned], files: Iterable[str]) -> list[Planned]:
    """Return the analyzers that have some of the files to read."""
    own = set(files)
    return [plan for plan in plans if not own.isdisjoint(plan.reads)]


def output_of(
    domain: str,
    phase: Phase,
    files: Iterable[str],
    analyzed: Sequence[Analyzed],
    findings: Sequence[dict[str, Any]],
    left_out: Sequence[Any] = (),
) -> dict[str, Any]:
    """Return the output of a domain, made of the findings that fell to it.

    `left_out` are parts of the analyzers' reports that do not count.
    """
    own, counts = set(files), Counter(finding["analyzer"] for finding in findings)
    parts = []
    for done in analyzed:
        name = f"{done.planned.tool} {done.planned.ready.program.version or 'of unknown version'}"
        if done.product is None:
            parts.append(f"{name} failed: {done.ending.error_code}")
            continue
        read = len(own & done.planned.reads)
        parts.append(f"{name} read {read} files and reports {counts[done.planned.tool]} findings")
    return {
        "domain": domain,
        "stage": LENSES[phase].value,
        "summary": ("; ".join(parts) or "No analyzer reads a file of this domain: nobody looked at it") + ".",
        "findings": [{**finding, "id": f"{domain}-{number:04d}"} for number, finding in enumerate(findings, 1)],
    } | ({"refused": list(left_out)} if left_out else {})


def ending_of(analyzed: Sequence[Analyzed]) -> Ending:
    """Return the ending of a domain's attempt: that of the gravest failure, else of the run that took longest."""
    if not analyzed:
        return Ending("success", 0, error_fragment="no analyzer reads a file of this domain")
    failed = [done for done in analyzed if done.product is None]
    if not failed:
        return max((done.ending for done in analyzed), key=lambda ending: ending.duration_ms or 0)
    worst = min(failed, key=lambda done: GRAVEST_FIRST.index(done.ending.exit_class))
    if len(analyzed) == 1:
        return worst.ending
    return worst.ending._replace(error_fragment=cut(f"{worst.planned.tool}: {worst.ending.error_fragment or ''}"))
