"""`explain`: the meaning of a rule, of a kind of match, and of a status."""

import sqlite3
from typing import Final

from swarm.results.explain import Explanation
from swarm.rules.known_findings import MatchedBy
from swarm.runtimes.ruff_rules import ruff_rule
from swarm.store import findings
from swarm.store.runs import Run

_MATCHES: Final = {
    MatchedBy.NEW: "no known finding is like it, so it became a finding of its own",
    MatchedBy.FINGERPRINT: "rule, path, scope, the text of the line and its occurrence are the same",
    MatchedBy.ALIAS: "the same as one of the fingerprints that the finding had in earlier waves",
    MatchedBy.LINE_MAP: "git's diff leads the line of the finding to the reported line",
    MatchedBy.REWRITTEN: "in the line of the finding nothing but names, comments or layout changed",
    MatchedBy.REFORMATTED: "the statement of the finding was laid out anew, with the same code",
    MatchedBy.MOVED: "the same code stands elsewhere in the file, and nothing else is as like it",
    MatchedBy.MOVED_FILE: "the same code stands in another file, and is gone from the first",
    MatchedBy.ANCHOR: "the quoted line and the place of the report fit this finding alone",
}
_REOPENED: Final = "`swarm reopen F-… --reason … --evidence …` opens it again"
_STATUSES: Final = {
    "new": ("a wave reported it for the first time", "approve, defer or reject it: `swarm approve F-…`"),
    "recurring": ("an earlier wave knew it, and a later wave reported it again", "as for a new finding"),
    "unverified": ("a wave did not report it, and nothing proves that it is fixed", "`swarm verify-unverified`"),
    "approved": ("the next amend wave gives it to the agent of its domain", "`swarm dispatch <amend phase> --isolate`"),
    "fixed": ("it is gone, on evidence that `swarm show` names", "`swarm verify-fixed` checks it again"),
    "deferred": ("a person postponed it, with a reason", _REOPENED),
    "rejected": ("a person called it false, with a reason", _REOPENED),
}


def word_explained(word: str) -> Explanation | None:
    """Return the meaning of a kind of match or of a status, `None` for another word."""
    name = word.lower()
    if name in _STATUSES:
        title, remedy = _STATUSES[name]
        meaning = (f"As a match: {_MATCHES[MatchedBy.NEW]}",) if name == MatchedBy.NEW else ()
        return Explanation(name, "status", title, meaning, remedy)
    if name in _MATCHES:
        lists = "`swarm show F-…` names the match of a finding"
        return Explanation(name, "match", _MATCHES[MatchedBy(name)], (), lists)
    return None


def rule_explained(conn: sqlite3.Connection | None, run: Run | None, word: str) -> Explanation | None:
    """Return the meaning of a rule, from its tool or from the reports of a run; `None` for another word."""
    kept = findings.of_rule(conn, run.id, word) if conn is not None and run is not None else None
    rule = ruff_rule(word.upper())
    if kept is None and rule is None:
        return None
    meaning: list[str] = []
    if rule is not None:
        title = f"{rule.summary} ({rule.name}, {rule.linter})"
        meaning += [*rule.explanation.strip().splitlines(), "", rule.fix]
    else:
        title = kept.description if kept else ""
        # A tool that writes SARIF puts the help of a rule into each report.
        meaning += [kept.recommendation] if kept and kept.recommendation else []
    name = kept.rule if kept else word.upper()
    if kept is None:
        return Explanation(name, "rule", title, tuple(meaning), "nothing: no finding of a run here has it")
    meaning.append(f"{kept.still_open} open of {kept.total} findings of run {run.id if run else ''}")
    return Explanation(name, "rule", title, tuple(meaning), f"swarm findings --rule {name} --status all")
