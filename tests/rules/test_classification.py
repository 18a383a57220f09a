"""What a finding is shown as, and what a wave's silence about it means."""

from itertools import product
from pathlib import Path

import pytest

from swarm.rules.findings import SEVERITIES, Decision, EvidenceKind, Fate, Observation, highest, status_of
from swarm.rules.silence import Coverage, SilenceVerdict, verdict_on_silence
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
    confirmed=False,
    file_changed=False,
)
AGENT = SAME._replace(analyzer=None, rules=frozenset())


def unverified(reason: str, *, is_covered: bool) -> SilenceVerdict:
    return SilenceVerdict(Observation.UNVERIFIED, None, reason, is_covered)


def fixed(evidence: EvidenceKind, reason: str) -> SilenceVerdict:
    return SilenceVerdict(Observation.FIXED, evidence, reason, is_covered=True)


RESCANNED = fixed(EvidenceKind.ANALYZER_RESCAN, "ruff 1 analysed the file with F401 on and was silent")
LINE_GONE = fixed(EvidenceKind.ANCHOR, "the line is gone or was rewritten")
FILE_GONE = fixed(EvidenceKind.ANCHOR, "the file is gone")
CONFIRMED = fixed(EvidenceKind.CONFIRMED, "the owner's agent found it gone, and the file has changed")
SILENT = unverified("not reported, and its line still stands", is_covered=True)
NOT_RUN = unverified("rule not run", is_covered=False)
UNREAD = unverified("the analyzer did not read the file", is_covered=False)
OTHER = unverified("looked at with ruff 2, was found with ruff 1", is_covered=False)
RENAMED = unverified("the file was renamed, and its rules may be others there", is_covered=False)
TURNED_OFF = unverified("F401 is turned off by a comment in the file", is_covered=False)
OUT_OF_SCOPE = unverified("its domain had no agent", is_covered=False)
NOBODY = SAME._replace(gap="its domain had no agent")
QUIET = SAME._replace(silenced=frozenset({"F401"}))


@pytest.mark.parametrize(
    ("look", "fate", "analyzer", "path_unchanged", "verdict"),
    [
        # Nobody looked: nothing that is seen elsewhere counts.
        (NOBODY, Fate.STANDS, "ruff 1", True, OUT_OF_SCOPE),
        (NOBODY, Fate.REMOVED, "ruff 1", True, OUT_OF_SCOPE),
        (NOBODY, Fate.FILE_REMOVED, None, True, OUT_OF_SCOPE),
        (NOBODY._replace(confirmed=True, file_changed=True), Fate.REMOVED, None, True, OUT_OF_SCOPE),
        # A comment that silences a rule is no mend, not even where the line was rewritten to add it.
        (QUIET, Fate.STANDS, "ruff 1", True, TURNED_OFF),
        (QUIET, Fate.REMOVED, "ruff 1", True, TURNED_OFF),
        # The same analyzer looked again: its silence is a measurement, wherever the mend was made.
        (SAME, Fate.STANDS, "ruff 1", True, RESCANNED),
        (SAME, Fate.MOVED, "ruff 1", True, RESCANNED),
        (SAME, Fate.REMOVED, "ruff 1", True, RESCANNED),
        (SAME, Fate.FILE_REMOVED, "ruff 1", True, FILE_GONE),
        # Not the same measurement: then the line decides.
        (SAME._replace(rules=frozenset()), Fate.STANDS, "ruff 1", True, NOT_RUN),
        (SAME._replace(rules=frozenset()), Fate.REMOVED, "ruff 1", True, LINE_GONE),
        (SAME._replace(file_was_read=False), Fate.STANDS, "ruff 1", True, UNREAD),
        (SAME._replace(file_was_read=False), Fate.REMOVED, "ruff 1", True, LINE_GONE),
        (SAME._replace(analyzer="ruff 2"), Fate.STANDS, "ruff 1", True, OTHER),
        (SAME._replace(analyzer="ruff 2"), Fate.REMOVED, "ruff 1", True, LINE_GONE),
        (SAME, Fate.STANDS, "ruff 1", False, RENAMED),
        (SAME, Fate.REMOVED, "ruff 1", False, LINE_GONE),
        # An agent found it, or an agent looked.
        (SAME, Fate.STANDS, None, True, SILENT),
        (AGENT, Fate.STANDS, "ruff 1", True, SILENT),
        (AGENT, Fate.STANDS, None, True, SILENT),
        (AGENT, Fate.MOVED, None, True, SILENT),
        (AGENT, Fate.UNKNOWN, None, True, SILENT),
        (AGENT, Fate.REMOVED, None, True, LINE_GONE),
        (AGENT, Fate.FILE_REMOVED, None, True, FILE_GONE),
        # A word that it is gone counts only where the file has changed.
        (AGENT._replace(confirmed=True), Fate.STANDS, None, True, SILENT),
        (AGENT._replace(file_changed=True), Fate.STANDS, None, True, SILENT),
        (AGENT._replace(confirmed=True, file_changed=True), Fate.STANDS, None, True, CONFIRMED),
        (AGENT._replace(confirmed=True, file_changed=True), Fate.UNKNOWN, None, True, CONFIRMED),
        (AGENT._replace(confirmed=True, file_changed=True), Fate.REMOVED, None, True, LINE_GONE),
        # A comment silences analyzers alone.
        (AGENT._replace(silenced=frozenset({"F401"})), Fate.REMOVED, None, True, LINE_GONE),
    ],
)
def test_silence_is_judged_by_who_looked_and_what_became_of_the_line(
    look: Coverage,
    fate: Fate,
    analyzer: str | None,
    path_unchanged: bool,
    verdict: SilenceVerdict,
) -> None:
    assert verdict_on_silence(look, fate, rule="F401", analyzer=analyzer, path_unchanged=path_unchanged) == verdict


@pytest.mark.parametrize(
    ("analyzer", "path_unchanged", "confirmed", "file_changed", "rules", "fate"),
    list(
        product(
            ["ruff 1", None],
            [True, False],
            [True, False],
            [True, False],
            [frozenset(), frozenset({"F401"})],
            [Fate.STANDS, Fate.MOVED, Fate.UNKNOWN],
        )
    ),
)
def test_a_line_that_stands_is_fixed_only_by_a_rescan_or_a_confirmed_change(
    analyzer: str | None,
    path_unchanged: bool,
    confirmed: bool,
    file_changed: bool,
    rules: frozenset[str],
    fate: Fate,
) -> None:
    look = SAME._replace(confirmed=confirmed, file_changed=file_changed, rules=rules)
    verdict = verdict_on_silence(look, fate, rule="F401", analyzer=analyzer, path_unchanged=path_unchanged)
    is_rescan = analyzer is not None and path_unchanged and bool(rules)
    assert (verdict.observation is Observation.FIXED) is (is_rescan or (confirmed and file_changed))


@pytest.mark.parametrize(("one", "other"), list(product(SEVERITIES, repeat=2)))
def test_of_two_severities_the_graver_is_the_highest(one: str, other: str) -> None:
    order = ["CRITICAL", "HIGH", "MEDIUM", "LOW"]
    assert highest(one, other) == order[min(order.index(one), order.index(other))]
