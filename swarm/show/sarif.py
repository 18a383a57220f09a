"""Digest as SARIF 2.1.0, with the fingerprints and limits of GitHub's code scanning.

Limits and `primaryLocationLineHash` are as GitHub documents and publishes them for code scanning uploads.
"""

import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate, chain, repeat
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from swarm import __version__
from swarm.results.findings import OWN_TOOL, FindingShown
from swarm.rules.fingerprints import VERSION

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
MOST_RESULTS: Final = 25_000
_LEVELS: Final = {"CRITICAL": "error", "HIGH": "error", "MEDIUM": "warning", "LOW": "note"}
_SCORES: Final = {"CRITICAL": "9.5", "HIGH": "8.0", "MEDIUM": "5.0", "LOW": "2.0"}
_QUOTED: Final = re.compile(r"([`'\"])(?:(?!\1).)+\1")
_SEE: Final = re.compile(r"(?:See )?(https://\S+)")
_NO_CATEGORY: Final = re.compile(r"[^\w.-]+")
_LONGEST_TITLE: Final = 1024
_WINDOW: Final = 100
_BASE: Final = 37
_LINE_FEED: Final = 10
_64: Final = 0xFFFFFFFFFFFFFFFF


class Scan(NamedTuple):
    """Facts about a wave beside its findings: versions by tool, `None` for agents, hashes by finding id, a root file.

    `hashes` are GitHub's hashes of the findings' lines, `root_file` stands for findings without a file; both are empty
    where the repository is not on this machine. `url_of` returns the page of a rule of a tool. `new` are the ids of the
    findings that are new against a baseline; `None` means that those of the wave are. `verification` is the name of the
    run's newest verification, which records and attestations have, too.
    """

    wave: int | None
    tools: Mapping[str | None, str | None]
    hashes: Mapping[str, str]
    root_file: str | None
    url_of: Callable[[str, str], str | None] = lambda _tool, _rule: None
    new: frozenset[str] | None = None
    verification: str | None = None


def log(findings: Iterable[FindingShown], scan: Scan) -> dict[str, Any]:
    """Return a SARIF log: one run for each tool, split where GitHub would cut it; the gravest findings come first."""
    # A tool without findings has a run, too: only an upload of the same tool closes its old alerts.
    by_tool: dict[str, list[FindingShown]] = {tool or OWN_TOOL: [] for tool in scan.tools or (None,)}
    for finding in findings:
        by_tool.setdefault(finding.reporter, []).append(finding)
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            _run(tool, listed[start : start + MOST_RESULTS], start // MOST_RESULTS, scan)
            for tool, listed in sorted(by_tool.items())
            for start in range(0, max(1, len(listed)), MOST_RESULTS)
        ],
    }


def _run(tool: str, findings: list[FindingShown], part: int, scan: Scan) -> dict[str, Any]:
    placed = [finding for finding in findings if finding.file or scan.root_file]
    gravest: dict[str, FindingShown] = {}
    for finding in placed:
        # Findings come gravest first, so the first of a rule sets the level of the rule.
        gravest.setdefault(_rule_id(finding), finding)
    rules = {rule: index for index, rule in enumerate(sorted(gravest))}
    own = {"name": "swarm", "semanticVersion": __version__}
    version = scan.tools.get(tool)
    driver = own if tool == OWN_TOOL else {"name": tool, **({"version": version} if version else {})}
    run: dict[str, Any] = {
        "tool": {"driver": {**driver, "rules": [_rule(tool, rule, gravest[rule], scan) for rule in rules]}},
        # GitHub takes what stands before the last slash as the category, and closes alerts by category.
        "automationDetails": {"id": f"swarm/{_NO_CATEGORY.sub('-', tool)}/" + (f"{part + 1}/" if part else "")},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, rules[_rule_id(finding)], scan) for finding in placed],
    }
    if scan.verification is not None:
        run["properties"] = {"verification": scan.verification}
    if tool != OWN_TOOL:
        run["conversion"] = {"tool": {"driver": own}}
    if left_out := len(findings) - len(placed):
        # GitHub refuses a whole upload for one result without a place.
        message = {"text": f"findings that are left out, for want of a file: {left_out:,}"}
        note = {"level": "note", "message": message}
        run["invocations"] = [{"executionSuccessful": True, "toolExecutionNotifications": [note]}]
    return run


def _rule_id(finding: FindingShown) -> str:
    return finding.rule_id or finding.category


def _rule(tool: str, rule_id: str, gravest: FindingShown, scan: Scan) -> dict[str, Any]:
    properties: dict[str, Any] = {"tags": [gravest.category]}
    if gravest.category == "security":
        properties["security-severity"] = _SCORES[gravest.severity]
    # Names differ from finding to finding, and the rest of the message is what the rule is about.
    short = _QUOTED.sub(r"\1…\1", gravest.description.split("\n", 1)[0])[:_LONGEST_TITLE]
    said = _SEE.fullmatch(gravest.recommendation or "")
    url = scan.url_of(tool, rule_id) or (said and said[1])
    return {
        "id": rule_id,
        "shortDescription": {"text": short or rule_id},
        **({"helpUri": url} if url else {}),
        "defaultConfiguration": {"level": _LEVELS[gravest.severity]},
        "properties": properties,
    }


def _result(finding: FindingShown, rule_index: int, scan: Scan) -> dict[str, Any]:
    fingerprints = {VERSION: finding.fingerprint}
    # Without the repository on this machine there are no hashes.
    if finding.finding_id in scan.hashes:
        fingerprints["primaryLocationLineHash"] = scan.hashes[finding.finding_id]
    result: dict[str, Any] = {
        "ruleId": _rule_id(finding),
        "ruleIndex": rule_index,
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.description},
        "baselineState": _baseline(finding, scan),
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
            "fixable": finding.fixable,
            **{name: value for name, value in _decided(finding) if value is not None},
            **_reviewed(finding),
        },
        "locations": [_location(finding, scan.root_file)],
        "partialFingerprints": fingerprints,
    }
    if finding.status in {"deferred", "rejected"}:
        kind = "inSource" if finding.decision_source == "inline" else "external"
        result["suppressions"] = [
            {"kind": kind, "status": "accepted", "justification": finding.reason or finding.status}
        ]
    return result


def _location(finding: FindingShown, root_file: str | None) -> dict[str, Any]:
    # GitHub requires a file and a line of every result; the first line stands for the whole file.
    region: dict[str, Any] = {"startLine": (finding.line if finding.file else None) or 1}
    if finding.line and finding.file and finding.column:
        region["startColumn"] = finding.column
    if finding.line and finding.quote:
        region["snippet"] = {"text": finding.quote}
    # Quoted: the field is a URI reference, and `%`, `#` or blanks in a path would change its meaning.
    artifact = {"uri": quote(finding.file or root_file or ""), "uriBaseId": "%SRCROOT%"}
    location: dict[str, Any] = {"physicalLocation": {"artifactLocation": artifact, "region": region}}
    if finding.symbol:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.symbol}]
    return location


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


def _reviewed(finding: FindingShown) -> dict[str, Any]:
    """Return the result of a finding's reviews, each verdict, and the findings of the same cause."""
    if not finding.reviews:
        return {}
    verdicts = [
        {
            "reviewer": review.reviewer,
            "verdict": review.verdict,
            "independent": review.independent,
            "wave": review.wave,
            "reason": review.reason,
            "file": review.file,
            "line": review.line,
        }
        for review in finding.reviews
    ]
    return {"review": finding.review, "reviews": verdicts, "sameCause": list(finding.same_cause)}


def _baseline(finding: FindingShown, scan: Scan) -> str:
    if finding.status == "fixed":
        return "absent"
    is_first_seen = finding.first_seen_wave == scan.wave
    if is_first_seen if scan.new is None else finding.finding_id in scan.new:
        return "new"
    # The note of the match is the only record of where the line was in the wave before.
    moved = re.match(r"line (\d+) → (\d+),", finding.match or "")
    is_moved = finding.last_seen_wave == scan.wave and finding.match and (moved is None or moved[1] != moved[2])
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
