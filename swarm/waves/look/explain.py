"""`explain`: the meaning of an error code, exit code, attempt, rule, match or finding, and what to do."""

import difflib
import re
import sqlite3
from typing import Final

from swarm import errors
from swarm.errors import CATALOGUE
from swarm.results.explain import Explanation
from swarm.rules.analysis import tool_of
from swarm.rules.known_findings import MatchedBy
from swarm.rules.meanings import EVIDENCE, MATCHES, STATUSES, VERDICTS
from swarm.rules.playbook import CLASSES, Facts, diagnosis
from swarm.runtimes.analyzer_table import rule_of_table, rule_url, tool_of_rule
from swarm.runtimes.ruff_rules import ruff_rule
from swarm.store import attempts, finding_names
from swarm.store.runs import Run
from swarm.waves.selection import finding_named

EXIT_CODES: Final = {
    0: ("done, or clean", "Nothing to do."),
    1: (
        "an error, a gate that says no, a wave that failed; of findings and audit also: findings present",
        "read stderr; a line `ERROR [CODE]` is explained by `swarm explain CODE`",
    ),
    2: (
        "a wrong command line (`CLI_…`), a check that could not run, nothing to look at, or a launch refused by policy",
        "read stderr; `swarm status` names the domain and the reason",
    ),
    3: (
        "an agent's runtime ran and failed",
        "`swarm attempts` lists the attempts; `swarm explain attempt:N` tells why",
    ),
    127: ("an agent's program was not found", "`swarm runtimes` tells what is missing"),
    130: ("interrupted", "call the same command again; it goes on from there"),
}


def code_explained(code: str) -> Explanation | None:
    """Return the meaning of an error code, `None` for an unknown code."""
    found = CATALOGUE.get(code.upper())
    if found is None:
        return None
    form, hint = _form(found.text), _form(found.advice)
    says = (f"Says: {form}",) if _has_words(form) else ()
    meaning = (*says, f"Severity {found.severity}, exit code {found.exit_code}")
    remedy = hint if _has_words(hint) else "the line `Next:` below the error says what helps there"
    return Explanation(found.code, "error", found.when, meaning, remedy)


def _form(template: str) -> str:
    """Return a text whose fields are shown as `<name>`, since no error has filled them in."""
    return re.sub(r"\{(\w+)[^}]*\}", r"<\1>", template)


def _has_words(form: str) -> bool:
    # A text of fields and the code says nothing that the title does not say.
    return re.search("[a-z]", re.sub(r"<\w+>", "", form)) is not None


def exit_code_explained(code: int) -> Explanation | None:
    """Return the meaning of an exit code, `None` for a code that no verb ends with."""
    if code not in EXIT_CODES:
        return None
    title, remedy = EXIT_CODES[code]
    raised = sorted(name for name, kind in CATALOGUE.items() if kind.exit_code == code and code > 1)
    meaning = (f"Codes that end so: {', '.join(raised)}",) if raised else ()
    return Explanation(f"exit:{code}", "exit code", title, meaning, remedy)


def attempt_explained(conn: sqlite3.Connection, attempt_id: int) -> Explanation | None:
    """Return why an attempt ended: its exit class, its code, its last words, and its duration."""
    attempt = attempts.find(conn, attempt_id)
    if attempt is None:
        return None
    title = f"attempt {attempt.ordinal} with {attempt.runtime}: {attempt.outcome or 'still open'}"
    meaning = [f"Exit class {attempt.exit_class}: {CLASSES[attempt.exit_class]}"]
    if attempt.error_code:
        meaning.append(f"Code {attempt.error_code}: {attempt.error_fragment or 'it said nothing'}")
    if attempt.stall_reason:
        meaning.append(f"Stall {attempt.stall_reason}")
    facts = Facts(
        exit_class=attempt.exit_class,
        code=attempt.error_code,
        stall_reason=attempt.stall_reason,
        fragment=attempt.error_fragment or "",
        duration_ms=attempt.duration_ms or 0,
    )
    cause, remedy = diagnosis(facts)
    meaning += [f"Likely: {cause}", f"Record: {attempt.record_path}"]
    return Explanation(f"attempt:{attempt.id}", "attempt", title, tuple(meaning), remedy)


def finding_explained(conn: sqlite3.Connection, run: Run, named: str) -> Explanation:
    """Return how a finding was matched, and the reason for its state. Raises FindingNotFound."""
    finding = finding_named(conn, run, named)
    anchor = {
        "quote": "its line was found by the quote that the agent gave",
        "line": "its line was taken from the number that the agent gave",
        "none": "it has no place in a file; it is known by its words",
    }[finding.anchored]
    meaning = [
        f"Fingerprint {finding.fingerprint}: {anchor}",
        f"Matched by {finding.matched_by}: {finding.match_note or 'seen for the first time'}",
        f"Status {finding.status}: observed {finding.observation}, decided {finding.decision}",
    ]
    if finding.tool is not None and finding.analyzer is None:
        meaning.append(f"Reported by {finding.tool}, as a report says that somebody handed in: swarm has not run it")
    if finding.observation_reason:
        meaning.append(f"Because: {finding.observation_reason}")
    if finding.evidence:
        meaning.append(f"Evidence: {finding.evidence}")
    return Explanation(
        finding.finding_id, "finding", finding.description, tuple(meaning), f"swarm show {finding.finding_id}"
    )


def word_explained(word: str) -> Explanation | None:
    """Return the meaning of a kind of match, of evidence, of a status or of a verdict, `None` for another word."""
    name = word.lower()
    as_evidence = (f"As evidence that a finding is fixed: {EVIDENCE[name]}",) if name in EVIDENCE else ()
    if name in STATUSES:
        title, remedy = STATUSES[name]
        meaning = (f"As a match: {MATCHES[MatchedBy.NEW]}",) if name == MatchedBy.NEW else ()
        return Explanation(name, "status", title, meaning, remedy)
    if name in VERDICTS:
        title, remedy = VERDICTS[name]
        return Explanation(name, "verdict", title, as_evidence, remedy)
    if name in MATCHES:
        lists = "`swarm show F-…` names the match of a finding"
        return Explanation(name, "match", MATCHES[MatchedBy(name)], as_evidence, lists)
    if name in EVIDENCE:
        return Explanation(name, "evidence", EVIDENCE[name], (), "`swarm show F-…` names the evidence of a finding")
    return None


def rule_explained(conn: sqlite3.Connection | None, run: Run | None, word: str) -> Explanation | None:
    """Return the meaning of a rule, from its tool or from the reports of a run; `None` for another word."""
    kept = _kept(conn, run, word) if conn is not None and run is not None else None
    rule = ruff_rule(word.upper())
    if kept is None and rule is None:
        return _of_table(word)
    meaning: list[str] = []
    if rule is not None:
        title = f"{rule.summary} ({rule.name}, {rule.linter})"
        meaning += [*rule.explanation.strip().splitlines(), "", rule.fix]
    else:
        title = kept.description if kept else ""
        # A tool that writes SARIF puts the help of a rule into each report.
        meaning += [kept.recommendation] if kept and kept.recommendation else []
    name = kept.rule if kept else word.upper()
    tool = tool_of(kept.analyzer) if kept else "ruff"
    if tool is not None and (url := rule_url(tool, name)):
        meaning.append(f"See {url}")
    if kept is None:
        return Explanation(name, "rule", title, tuple(meaning), "nothing: no finding of a run here has it")
    meaning.append(f"{kept.still_open} open of {kept.total} findings of run {run.id if run else ''}")
    return Explanation(name, "rule", title, tuple(meaning), f"swarm findings --rule {name} --status all")


def _kept(conn: sqlite3.Connection, run: Run, word: str) -> finding_names.OfRule | None:
    """Return what a run knows of a rule; the plugin of `eslint/no-eval` may be left out where no other has the rule."""
    if (found := finding_names.of_rule(conn, run.id, word)) is not None:
        return found
    named = [name for name in finding_names.rules_of(conn, run.id) if "/" in name]
    meant = [name for name in named if name.rpartition("/")[2].casefold() == word.casefold()]
    return finding_names.of_rule(conn, run.id, meant[0]) if len(meant) == 1 else None


def _of_table(word: str) -> Explanation | None:
    """Return the page of a rule that no finding has, where its form names its tool, or the table names the rule."""
    named = (tool, word.upper()) if (tool := tool_of_rule(word.upper())) else rule_of_table(word)
    if named is None:
        return None
    tool, name = named
    url = rule_url(tool, name)
    meaning = (f"See {url}",) if url else ()
    return Explanation(name, "rule", f"a rule of {tool}", meaning, "nothing: no finding of a run here has it")


def explain(conn: sqlite3.Connection | None, run: Run | None, thing: str) -> Explanation:
    """Return the meaning of a thing. Raises SubjectUnknown, FindingNotFound, FindingAmbiguous."""
    number = re.fullmatch(r"(?:(exit|attempt):)?([0-9]{1,9})", thing, re.ASCII)
    kind, value = (number[1] or "exit", int(number[2])) if number else (None, 0)
    found = code_explained(thing) or word_explained(thing)
    if found is None and kind == "exit":
        found = exit_code_explained(value)
    if found is None and kind == "attempt" and conn is not None:
        found = attempt_explained(conn, value)
    is_bare = number is None or number[1] is None
    # A rule before a finding: `F401` is a rule to its reader, though the id of a finding can begin so.
    if found is None and is_bare and not _is_id(thing):
        found = rule_explained(conn, run, thing)
    if found is None and is_bare and conn is not None and run is not None:
        try:
            found = finding_explained(conn, run, thing)
        except errors.FindingNotFound:
            # A misspelt code must not be reported as a finding that is missing.
            if _is_id(thing):
                raise
    if found is None:
        near = difflib.get_close_matches(thing.upper(), CATALOGUE, n=1, cutoff=0.8)
        meant = f". Did you mean '{near[0]}'?" if near else ""
        raise errors.SubjectUnknown(received=errors.shortened(thing), meant=meant)
    return found


def _is_id(thing: str) -> bool:
    return thing[:2].upper() == "F-"


def needs_database(thing: str) -> bool:
    """Say whether the explanation of a thing needs the control plane."""
    number = re.fullmatch(r"(exit:)?([0-9]{1,9})", thing, re.ASCII)
    # A finding's id without its `F-` can be a number.
    is_exit = number is not None and (number[1] is not None or int(number[2]) in EXIT_CODES)
    return code_explained(thing) is None and word_explained(thing) is None and not is_exit
