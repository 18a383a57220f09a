"""Digest as SARIF 2.1.0, with the fingerprints and limits of GitHub's code scanning.

Limits and `primaryLocationLineHash` are as GitHub documents and publishes them for code scanning uploads.
"""

import re
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import accumulate, chain, repeat
from typing import Any, Final
from urllib.parse import quote

from swarm import __version__
from swarm.results.findings import FindingShown
from swarm.rules.fingerprints import VERSION

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
MOST_RESULTS: Final = 25_000
_LEVELS: Final = {"CRITICAL": "error", "HIGH": "error", "MEDIUM": "warning", "LOW": "note"}
_SCORES: Final = {"CRITICAL": "9.5", "HIGH": "8.0", "MEDIUM": "5.0", "LOW": "2.0"}
_WINDOW: Final = 100
_BASE: Final = 37
_LINE_FEED: Final = 10
_64: Final = 0xFFFFFFFFFFFFFFFF


def log(
    findings: Iterable[FindingShown], *, run_id: str, wave: int | None, hashes: Mapping[str, str]
) -> dict[str, Any]:
    """Return a SARIF log: one run for each wave, split where GitHub would cut it; the gravest findings come first.

    `hashes` holds GitHub's hash of each finding's line, by finding id.
    """
    listed = list(findings)
    parts = [listed[start : start + MOST_RESULTS] for start in range(0, len(listed), MOST_RESULTS)] or [[]]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [_run(part, number, run_id, wave, hashes) for number, part in enumerate(parts, 1)],
    }


def _run(
    findings: list[FindingShown],
    part: int,
    run_id: str,
    wave: int | None,
    hashes: Mapping[str, str],
) -> dict[str, Any]:
    gravest: dict[str, FindingShown] = {}
    for finding in findings:
        # Findings come gravest first, so the first of a rule sets the level of the rule.
        gravest.setdefault(_rule_id(finding), finding)
    rules = {rule: index for index, rule in enumerate(sorted(gravest))}
    return {
        "tool": {
            "driver": {
                "name": "swarm",
                "semanticVersion": __version__,
                "rules": [_rule(rule, gravest[rule]) for rule in rules],
            }
        },
        "automationDetails": {"id": f"swarm/{run_id}/wave-{wave}/{part}"},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, rules[_rule_id(finding)], wave, hashes) for finding in findings],
    }


def _rule_id(finding: FindingShown) -> str:
    return finding.rule_id or finding.category


def _rule(rule_id: str, gravest: FindingShown) -> dict[str, Any]:
    properties: dict[str, Any] = {"tags": [gravest.category]}
    if gravest.category == "security":
        properties["security-severity"] = _SCORES[gravest.severity]
    return {
        "id": rule_id,
        "shortDescription": {"text": rule_id},
        "defaultConfiguration": {"level": _LEVELS[gravest.severity]},
        "properties": properties,
    }


def _result(finding: FindingShown, rule_index: int, wave: int | None, hashes: Mapping[str, str]) -> dict[str, Any]:
    fingerprints = {VERSION: finding.fingerprint}
    result: dict[str, Any] = {
        "ruleId": _rule_id(finding),
        "ruleIndex": rule_index,
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.description},
        "baselineState": _baseline(finding, wave),
        "properties": {
            "findingId": finding.finding_id,
            "severity": finding.severity,
            "status": finding.status,
            "domain": finding.domain,
            "category": finding.category,
            "firstSeenWave": finding.first_seen_wave,
            "lastSeenWave": finding.last_seen_wave,
            "matchedBy": finding.matched_by,
            "reason": finding.reason,
            **{name: value for name, value in _decided(finding) if value is not None},
        },
    }
    if finding.file is not None:
        # Quoted: the field is a URI reference, and `%`, `#` or blanks in a path would change its meaning.
        place: dict[str, Any] = {"artifactLocation": {"uri": quote(finding.file), "uriBaseId": "%SRCROOT%"}}
        if finding.line is not None:
            place["region"] = {"startLine": finding.line}
            if finding.quote:
                place["region"]["snippet"] = {"text": finding.quote}
            # Without the repository on this machine there are no hashes.
            if finding.finding_id in hashes:
                fingerprints["primaryLocationLineHash"] = hashes[finding.finding_id]
        result["locations"] = [{"physicalLocation": place}]
    result["partialFingerprints"] = fingerprints
    if finding.status in {"deferred", "rejected"}:
        kind = "inSource" if finding.decision_source == "inline" else "external"
        result["suppressions"] = [
            {"kind": kind, "status": "accepted", "justification": finding.reason or finding.status}
        ]
    return result


def _decided(finding: FindingShown) -> Iterable[tuple[str, str | None]]:
    """Return the author, last day and evidence of a decision."""
    return (
        ("decisionSource", finding.decision_source),
        ("decidedBy", finding.decided_by),
        ("expires", finding.expires),
        ("evidence", finding.evidence),
        ("verifiedHow", finding.verified_how),
        ("evidenceNote", finding.evidence_note),
        ("fixedCommit", finding.fixed_commit),
    )


def _baseline(finding: FindingShown, wave: int | None) -> str:
    if finding.status == "fixed":
        return "absent"
    if finding.first_seen_wave == wave:
        return "new"
    # The note of the match is the only record of where the line was in the wave before.
    moved = re.match(r"line (\d+) → (\d+),", finding.match or "")
    is_moved = finding.last_seen_wave == wave and finding.match and (moved is None or moved[1] != moved[2])
    return "updated" if is_moved else "unchanged"


def line_hashes(source: str) -> list[str]:
    """Return GitHub's hash of each line of a file: `<hex>:<n>`, the n-th line so far with that hash.

    The hash is a polynomial over the 100 UTF-16 units from the line's start, without blanks and tabs, line ends as line
    feeds; the file is followed by U+FFFF and zeros.
    """
    # The steps follow GitHub's published algorithm to the bit; every deviation would open old alerts anew.
    bare = re.sub("\r\n?", "\n", source).translate({32: None, 9: None})
    units = array("H", bare.encode("utf-16-le", "surrogatepass"))
    starts = [0, *(place + 1 for place, unit in enumerate(units) if unit == _LINE_FEED)]
    padded = chain(units, (0xFFFF,), repeat(0, _WINDOW))
    # Prefix sums: the hash of each line is a difference, and a long file costs linear time.
    sums = list(accumulate(padded, lambda total, unit: (total * _BASE + unit) & _64, initial=0))
    first_power = pow(_BASE, _WINDOW, _64 + 1)
    seen: Counter[int] = Counter()
    found = []
    for start in starts:
        value = (sums[start + _WINDOW] - sums[start] * first_power) & _64
        seen[value] += 1
        found.append(f"{value:x}:{seen[value]}")
    return found
