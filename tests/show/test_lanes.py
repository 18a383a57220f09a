"""Lanes of the timeline and cards of the gates: failures in words, and no text as markup."""

import pytest

from swarm.results.advance import GateShown, PromotionShown
from swarm.results.collect import FindingCounts
from swarm.results.findings import SeverityCounts
from swarm.results.report import (
    AgentLane,
    AttemptBar,
    MergeShown,
    ReportFacts,
    VerificationShown,
    WaveLane,
    WaveLease,
)
from swarm.results.verify import StepShown
from swarm.show.page.gates import gates
from swarm.show.page.timeline import timeline
from tests.show.test_report import Parsed

EVIL = '"><script>alert(1)</script>\u202e\x1b[2J'
SHA = "0123456789abcdef0123456789abcdef01234567"


def at(minute: int) -> str:
    return f"2026-01-02T03:{minute:02}:00.000Z"


def attempt(ordinal: int, outcome: str | None, begin: int, end: int | None, problem: str | None = None) -> AttemptBar:
    length = None if end is None else (end - begin) * 60_000
    return AttemptBar(ordinal, "played", outcome, at(begin), None if end is None else at(end), length, 1, problem)


def agent(domain: str, status: str, *attempts: AttemptBar, **changed: object) -> AgentLane:
    return AgentLane(domain, status, False, 3, 2, None, at(0), at(9), attempts, ())._replace(**changed)  # type: ignore[arg-type]


def step(name: str, status: str, duration_ms: int, *argv: str) -> StepShown:
    failed = status == "failed"
    return StepShown(
        name=name,
        kind=name,
        argv=argv,
        status=status,
        passed=not failed,
        exit_code=int(failed),
        duration_ms=duration_ms,
        test_count=None,
        log="",
    )


WAVE = WaveLane(
    1,
    "health-amend-a",
    "failed",
    "played",
    SHA,
    at(0),
    at(20),
    FindingCounts(*range(1, len(FindingCounts._fields) + 1)),
    (
        agent("code", "complete", attempt(1, "success", 0, 10)),
        agent("rest", "failed", attempt(1, "stalled", 0, 5, "silent for 300 s"), attempt(2, "timed_out", 5, 20)),
        agent("web", "ownership_violation", violations=("src/a.py", EVIL), error=EVIL),
        agent("late", "running", attempt(1, None, 4, None), ended=None),
    ),
    ("planted.txt",),
)
FACTS = ReportFacts(
    run_id="swarm-1-ab",
    repo=EVIL,
    branch=EVIL,
    commit=SHA,
    save_point_tag="swarm-save-1-ab",
    phase="health-amend-a",
    created=at(0),
    state="WAVE FAILED",
    blockers=(EVIL,),
    total=0,
    open=SeverityCounts(0, 0, 0, 0),
    by_status={},
    coverage=None,
    waves=(WAVE,),
    burn_down=(),
    promotions=(
        PromotionShown(
            id=1,
            wave_number=1,
            from_phase="health-amend-a",
            to_phase="health-audit-a",
            gates=(GateShown("no_violations", False, True, EVIL), GateShown("findings", False, False, "2 HIGH open")),
            overrides=("no_violations",),
            reason=EVIL,
            created=at(24),
        ),
    ),
    verifications=(
        VerificationShown(
            1,
            "merge",
            "fail",
            False,
            "health-amend-a",
            SHA,
            "python",
            12,
            (step("tests", "failed", 61_000, "pytest", EVIL), step("lint", "passed", 40)),
            (("claimed_but_still_present", 3),),
            2,
            "fail",
            EVIL,
            at(22),
        ),
    ),
    merges=(MergeShown(1, f"refs/heads/{EVIL}", SHA, SHA, ("code",), ("rest",), at(23)),),
    leases=(WaveLease(1, "web", EVIL, "denied", EVIL, None),),
    ledger_seq=4,
    ledger_hash="0" * 64,
    ledger_ts=at(25),
)


def words(page: str) -> str:
    return " ".join(" ".join(Parsed(page).text).replace("\ufe0e", "").split())


def test_what_went_wrong_stands_there_in_words() -> None:
    found = words(timeline(FACTS))
    assert "Wave 1 health-amend-a ✕ failed" in found
    assert "20 min · 1 of 4 agents complete · played · 1 new · 2 recurring · 3 fixed" in found
    assert "⚠ Touched outside every domain: planted.txt" in found
    assert "⚠ Violation: touched 2 files it does not own: src/a.py" in found
    assert "Attempt 1: silent for 300 s" in found
    assert "attempt 2, played: timed out, 15 min, exit 1" in found
    assert "attempt 1, played: running" in found


def test_bars_stand_where_their_time_is() -> None:
    bars = [
        (a.get("x"), a["width"])
        for _, a in Parsed(timeline(FACTS)).elements
        if (a.get("class") or "").startswith("attempt")
    ]
    wanted = [("0.000%", "50.000%"), ("0.000%", "25.000%"), ("25.000%", "75.000%"), ("20.000%", "80.000%")]
    assert [bar for bar in bars if bar in wanted] == wanted


def test_what_came_after_a_wave_stands_in_order_of_time() -> None:
    found = words(timeline(FACTS))
    places = [found.index(word) for word in ("✕ fail merge of", "⇒ merged 1 domain into", "▲ promoted")]
    assert places == sorted(places)
    assert "⚠ 1 gate overridden" in found


def test_gates_overrides_and_their_reason_are_reported() -> None:
    found = words(gates(FACTS))
    for part in ("⚠ overridden no violations", "✕ failed findings 2 HIGH open", "dropped: rest", "✕ denied"):
        assert part in found
    assert "✕ failed tests 1 min 1 s (exit 1)" in found
    assert "claimed but still present 3" in found


@pytest.mark.parametrize("part", [timeline, gates])
def test_hostile_words_are_no_markup(part: object) -> None:
    page = part(FACTS)  # type: ignore[operator]
    assert "script" not in {tag for tag, _ in Parsed(page).elements}
    assert not set("\u202e\x1b") & set(page)
    assert "&quot;&gt;&lt;script&gt;" in page


def test_many_waves_are_folded_but_the_newest_and_those_that_failed() -> None:
    calm = [WAVE._replace(number=n, status="advanced", violations=()) for n in range(2, 10)]
    page = timeline(FACTS._replace(waves=(WAVE, *calm)))
    lanes = [a for tag, a in Parsed(page).elements if tag == "details"]
    assert ["open" in lane for lane in lanes] == [True, *[False] * 4, *[True] * 4]


def test_a_wave_whose_clock_went_backward_is_drawn() -> None:
    wave = WAVE._replace(dispatched=at(30), ended=at(20))
    assert "Wave 1" in words(timeline(FACTS._replace(waves=(wave,))))
