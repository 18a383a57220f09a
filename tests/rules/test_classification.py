"""What a finding is shown as, and what a wave's silence about it means."""

from itertools import product
from pathlib import Path

import pytest

from swarm.rules.findings import SEVERITIES, Decision, EvidenceKind, Fate, Observation, highest, status_of
from swarm.rules.silence import Confirmation, Coverage, SilenceVerdict, Silent, verdict_on_silence
from swarm.store.connection import open_store
from tests.store import rows

SHOWN = """
              open        approved    deferred    rejected
new           new         approved    deferred    rejected
recurring     recurring   approved    deferred    rejected
fixed         fixed       fixed       deferred    rejected
unverified    unverified  approved    deferred    rejected
"""


def shown() -> dict[tuple[str, str], str]:
    head, *lines = (line.split() for line in SHOWN.strip().splitlines())
    return {
        (observation, decision): word
        for observation, *words in lines
        for decision, word in zip(head, words, strict=True)
    }


def test_a_finding_is_shown_with_the_word_of_the_table() -> None:
    assert {pair: status_of(*pair) for pair in product([*map(str, Observation)], [*map(str, Decision)])} == shown()


def test_the_database_generates_the_same_word(tmp_path: Path) -> None:
    with open_store(tmp_path / "control-plane.db", "test", create=True) as store:
        with store.mutation() as conn:
            rows.add_run(conn)
            for number, (observation, decision) in enumerate(shown(), 1):
                row = rows.add_finding(conn, number)
                evidence = "operator" if observation == "fixed" else None
                conn.execute(
                    "UPDATE findings SET observation = ?, evidence = ?, decision = ? WHERE id = ?",
                    (observation, evidence, decision, row),
                )
        found = store.conn.execute("SELECT observation, decision, status FROM findings").fetchall()
    assert {(observation, decision): status for observation, decision, status in found} == shown()


SAME = Coverage(
    gap=None,
    analyzer="ruff 1",
    rules=frozenset({"F401"}),
    file_was_read=True,
    silenced=frozenset(),
    confirmation=None,
    is_same_for_path=True,
)
AGENT = SAME._replace(analyzer=None, rules=frozenset())
ANSWERED = Confirmation("src/a.py", "    check(cmd)", "")
HEARSAY = Confirmation("src/a.py", "", "without a quote of the line that shows it")


def unverified(reason: str, *, is_covered: bool) -> SilenceVerdict:
    return SilenceVerdict(Observation.UNVERIFIED, None, reason, is_covered)


def fixed(evidence: EvidenceKind, reason: str) -> SilenceVerdict:
    return SilenceVerdict(Observation.FIXED, evidence, reason, is_covered=True)


RESCANNED = fixed(EvidenceKind.ANALYZER_RESCAN, "ruff 1 analysed the file with F401 on and was silent")
LINE_GONE = fixed(EvidenceKind.ANCHOR, "the line is gone or was rewritten")
FILE_GONE = fixed(EvidenceKind.ANCHOR, "the file is gone")
CONFIRMED = fixed(EvidenceKind.CONFIRMED, "the owner's agent found it gone: src/a.py says '    check(cmd)'")._replace(
    note="src/a.py\n    check(cmd)"
)
UNQUOTED = unverified("confirmed as gone, but without a quote of the line that shows it", is_covered=True)
SILENT = unverified("not reported, and its line still stands", is_covered=True)
NOT_RUN = unverified("rule not run", is_covered=False)
UNREAD = unverified("the analyzer did not read the file", is_covered=False)
OTHER = unverified("looked at with ruff 2, was found with ruff 1", is_covered=False)
RENAMED = unverified("the file was renamed, and its rules may be others there", is_covered=False)
TURNED_OFF = unverified("F401 is turned off by a comment in the file", is_covered=False)
NO_RESCAN = unverified("found by ruff 1, which did not run in this wave", is_covered=False)
ANEW = unverified("F401 is reported anew at src/b.py:4", is_covered=True)
REWRITTEN = unverified("rewritten: nothing but names, comments or layout changed at src/b.py:4", is_covered=True)
REFORMATTED = unverified("reformatted: nothing but comments, brackets or layout changed at src/b.py:4", is_covered=True)
MOVED_FILE = unverified("moved_file: the same code stands at src/b.py:4", is_covered=True)
MOVED = unverified("moved: the same code stands at src/b.py:4", is_covered=True)
OUT_OF_SCOPE = unverified("its domain had no agent", is_covered=False)
NOBODY = SAME._replace(gap="its domain had no agent")
QUIET = SAME._replace(silenced=frozenset({"F401"}))


@pytest.mark.parametrize(
    ("look", "fate", "analyzer", "verdict"),
    [
        # Nobody looked: nothing that is seen elsewhere counts.
        (NOBODY, Fate.STANDS, "ruff 1", OUT_OF_SCOPE),
        (NOBODY, Fate.REMOVED, "ruff 1", OUT_OF_SCOPE),
        (NOBODY, Fate.FILE_REMOVED, None, OUT_OF_SCOPE),
        (NOBODY._replace(confirmation=ANSWERED), Fate.REMOVED, None, OUT_OF_SCOPE),
        # A comment that silences a rule is no fix, not even where the line was rewritten to add it.
        (QUIET, Fate.STANDS, "ruff 1", TURNED_OFF),
        (QUIET, Fate.REMOVED, "ruff 1", TURNED_OFF),
        # The same analyzer looked again: its silence is a measurement, wherever the fix was made.
        (SAME, Fate.STANDS, "ruff 1", RESCANNED),
        (SAME, Fate.MOVED, "ruff 1", RESCANNED),
        (SAME, Fate.REMOVED, "ruff 1", RESCANNED),
        (SAME, Fate.REWRITTEN, "ruff 1", RESCANNED),
        (SAME, Fate.FILE_REMOVED, "ruff 1", FILE_GONE),
        # In another file other rules of the repository can hold, and nobody searched there.
        (SAME, Fate.MOVED_FILE, "ruff 1", MOVED_FILE),
        # Not the same measurement: a line is rewritten more easily than an analyzer is deceived.
        (SAME._replace(rules=frozenset()), Fate.STANDS, "ruff 1", NOT_RUN),
        (SAME._replace(rules=frozenset()), Fate.REMOVED, "ruff 1", NOT_RUN),
        (SAME._replace(file_was_read=False), Fate.STANDS, "ruff 1", UNREAD),
        (SAME._replace(file_was_read=False), Fate.REMOVED, "ruff 1", UNREAD),
        (SAME._replace(analyzer="ruff 2"), Fate.STANDS, "ruff 1", OTHER),
        (SAME._replace(analyzer="ruff 2"), Fate.REMOVED, "ruff 1", OTHER),
        (SAME._replace(is_same_for_path=False), Fate.STANDS, "ruff 1", RENAMED),
        (SAME._replace(is_same_for_path=False), Fate.REMOVED, "ruff 1", RENAMED),
        (AGENT, Fate.STANDS, "ruff 1", NO_RESCAN),
        (AGENT, Fate.REMOVED, "ruff 1", NO_RESCAN),
        # An agent found it: the code of the line decides.
        (SAME, Fate.STANDS, None, SILENT),
        (AGENT, Fate.STANDS, None, SILENT),
        (AGENT, Fate.MOVED, None, MOVED),
        (AGENT, Fate.REWRITTEN, None, REWRITTEN),
        (AGENT, Fate.REFORMATTED, None, REFORMATTED),
        (AGENT, Fate.MOVED_FILE, None, MOVED_FILE),
        (AGENT, Fate.UNKNOWN, None, SILENT),
        (AGENT, Fate.REMOVED, None, LINE_GONE),
        (AGENT, Fate.FILE_REMOVED, None, FILE_GONE),
        # A word that it is gone counts only with a quote of what shows it.
        (AGENT._replace(confirmation=HEARSAY), Fate.STANDS, None, UNQUOTED),
        (AGENT._replace(confirmation=ANSWERED), Fate.STANDS, None, CONFIRMED),
        (AGENT._replace(confirmation=ANSWERED), Fate.UNKNOWN, None, CONFIRMED),
        (AGENT._replace(confirmation=ANSWERED), Fate.STANDS, "ruff 1", CONFIRMED),
        (AGENT._replace(confirmation=ANSWERED), Fate.REMOVED, None, LINE_GONE),
        # A comment silences analyzers alone.
        (AGENT._replace(silenced=frozenset({"F401"})), Fate.REMOVED, None, LINE_GONE),
    ],
)
def test_silence_is_judged_by_who_looked_and_what_became_of_the_line(
    look: Coverage, fate: Fate, analyzer: str | None, verdict: SilenceVerdict
) -> None:
    assert verdict_on_silence(look, Silent(fate, "src/b.py:4", "F401", analyzer)) == verdict


@pytest.mark.parametrize("fate", [Fate.STANDS, Fate.MOVED, Fate.REMOVED, Fate.REWRITTEN, Fate.MOVED_FILE])
def test_a_report_like_a_silent_finding_says_that_the_defect_is_still_there(fate: Fate) -> None:
    assert verdict_on_silence(SAME, Silent(fate, "src/b.py:4", "F401", "ruff 1", "src/b.py:4")) == ANEW


@pytest.mark.parametrize(
    ("analyzer", "is_same", "confirmation", "rules", "fate"),
    list(
        product(
            ["ruff 1", None],
            [True, False],
            [ANSWERED, HEARSAY, None],
            [frozenset(), frozenset({"F401"})],
            [Fate.STANDS, Fate.MOVED, Fate.UNKNOWN],
        )
    ),
)
def test_a_line_that_stands_is_fixed_only_by_a_rescan_or_a_quoted_confirmation(
    analyzer: str | None,
    is_same: bool,
    confirmation: Confirmation | None,
    rules: frozenset[str],
    fate: Fate,
) -> None:
    look = SAME._replace(is_same_for_path=is_same, confirmation=confirmation, rules=rules)
    verdict = verdict_on_silence(look, Silent(fate, "src/b.py:4", "F401", analyzer))
    is_rescan = analyzer is not None and is_same and bool(rules)
    assert (verdict.observation is Observation.FIXED) is (is_rescan or confirmation is ANSWERED)


@pytest.mark.parametrize(("one", "other"), list(product(SEVERITIES, repeat=2)))
def test_of_two_severities_the_graver_is_the_highest(one: str, other: str) -> None:
    order = ["CRITICAL", "HIGH", "MEDIUM", "LOW"]
    assert highest(one, other) == order[min(order.index(one), order.index(other))]
