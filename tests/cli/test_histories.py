"""Along random histories of every verb that changes something: the ledger and the tables never part."""

import json
import random
import sqlite3
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from swarm.rules.findings import Observation, status_of
from swarm.rules.states import AGENT_RUN, WAVE, refusal
from tests.cli import test_status_walks
from tests.cli.scenes.coordinator import Coordinator
from tests.cli.test_triage import FRESH, entry
from tests.conftest import Repo, Swarm, Workspace

pytestmark = pytest.mark.sweep

WHY: Final = ("--apply", "--reason", "so")
OPERATOR: Final = ("--reason", "so", "--evidence", "seen")
DECISIONS: Final = {
    "approve": (),
    "defer": ("--reason", "so", "--expires", "2099-01-01"),
    "reject": ("--reason", "so"),
    "reopen": OPERATOR,
    "close": (*OPERATOR, "--verified-how", "independent"),
}
OWN: Final = (
    *DECISIONS,
    "close",
    "reopen",
    "lease",
    "import",
    "timeout",
    "commit",
    "rewind",
    "rewind",
    "undo",
    "clean",
)
WORDS: Final = (*test_status_walks.STEPS, *OWN)
# A history takes seconds: one that fails is shown as it is, and not made shorter for many minutes.
RULES: Final = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], phases=[Phase.generate])
BORN: Final = {"wave": {"dispatched"}, "agent_run": {"dispatched"}}


def do(run: Coordinator, *words: str) -> None:
    """Call a verb, which may refuse; a refusal has a code, and a bug has none."""
    answer = run.swarm(*words, exit=None)
    assert [line for line in answer.err.splitlines() if line.startswith("ERROR: ")] == []


def step(run: Coordinator, word: str, dice: random.Random) -> None:
    place = run.place.run
    match word:
        case "lease":
            asked = dice.choice([("code", "README.md"), ("rest", "src/app.py")])
            do(run, "lease", dice.choice(["grant", "deny"]), place, "--domain", asked[0], "--file", asked[1], *WHY[1:])
        case "import":
            _import(run, dice)
        case "timeout":
            do(run, "runs", "--run", place, "--set-timeout", f"{dice.randrange(1, 9)}m")
        case "commit":
            run.repo.commit(
                {"src/app.py": f"import os\n\n\ndef load(path, seen=[]):\n    return {dice.randrange(9)}\n"}
            )
        case "rewind" | "undo" | "clean":
            do(run, word, place, *(["--force"] if word != "undo" else []), *WHY)
        case verb if verb in DECISIONS:
            if (known := _ids(run)) and (chosen := dice.sample(known, dice.randrange(1, len(known) + 1))):
                do(run, verb, place, "--ids", ",".join(chosen), *DECISIONS[verb])
        case _:
            test_status_walks.step(run, word, dice)


def _findings(run: Coordinator) -> list[dict[str, Any]]:
    listed = run.swarm("findings", run.place.run, "--status", "all", "--format", "json", exit=None)
    found: list[dict[str, Any]] = listed.data["findings"] if listed.code is None else []
    return found


def _ids(run: Coordinator) -> list[str]:
    return [finding["findingId"] for finding in _findings(run)]


def _import(run: Coordinator, dice: random.Random) -> None:
    fingerprints = [FRESH, *(finding["fingerprint"] for finding in _findings(run))]
    decision = dice.choice(["approved", "deferred", "rejected"])
    file = run.repo.root.parent / "decisions.toml"
    file.write_text("version = 1\n" + entry(dice.choice(fingerprints), decision=decision))
    do(run, "triage", "--import", str(file), "--run", run.place.run, *(["--force"] if dice.random() < 0.5 else []))


# --- what must hold ---------------------------------------------------------------------------------------


class Steps:
    """The state of each subject after each event; an event must leave the state of the previous event."""

    def __init__(self) -> None:
        self.states: dict[tuple[str, str], str] = {}
        self.findings: dict[str, tuple[str, str]] = {}

    def take(self, kind: str, subject: str, source: str | None, target: str | None, payload: dict[str, Any]) -> None:
        match kind:
            case "finding_moved":
                observed, decision = self.findings.get(subject, ("new", "open"))
                assert source == observed
                self.findings[subject] = (str(target), decision)
            case "findings_recurred":
                for first, last in payload["findings"]:
                    for row in range(first, last + 1):
                        self.take("finding_moved", f"finding:{row}", source, target, {})
            case "finding_decided":
                self._decided(subject, source, target, payload)
            case "run_created":
                self.states[subject, "timeout"] = payload["timeout"]
                self._move(subject, "state", source, target)
            case "run_timeout_set":
                self._move(subject, "timeout", source, target)
            case "merged" | "promoted":
                # What was published and passed; no state of the subject.
                pass
            case _ if source is not None or target is not None:
                self._move(subject, "state", source, target)

    def _move(self, subject: str, what: str, source: str | None, target: str | None) -> None:
        name = subject.partition(":")[0]
        assert source == self.states.get((subject, what), "draft" if name == "map" else None)
        if source is None:
            assert str(target) in BORN.get(name, {str(target)})
        elif machine := {"wave": WAVE, "agent_run": AGENT_RUN}.get(name):
            assert refusal(machine, source, str(target), override=True) is None
        self.states[subject, what] = str(target)

    def _decided(self, subject: str, source: str | None, target: str | None, payload: dict[str, Any]) -> None:
        observed, decision = self.findings.get(subject, ("new", "open"))
        assert source == status_of(observed, decision)
        after = target if target in set(Observation) else observed
        if "evidence" not in payload:
            assert after == observed
        self.findings[subject] = (str(after), payload["decision"])
        assert target == status_of(*self.findings[subject])


def lawful(run: Coordinator) -> None:
    """Hold the ledger to itself, to the law, and to the tables."""
    run.swarm("ledger", "verify")
    assert run.swarm("ledger", "replay", "--check", "--format", "json", exit=None).data["differences"] == []
    with sqlite3.connect(run.place.db) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert conn.execute("PRAGMA foreign_key_check").fetchall() == []
        events = conn.execute("SELECT kind, subject, from_state, to_state, payload FROM events ORDER BY seq").fetchall()
        table = conn.execute("SELECT 'finding:' || id, observation, decision FROM findings").fetchall()
    conn.close()
    steps = Steps()
    for kind, subject, source, target, payload in events:
        steps.take(kind, subject, source, target, json.loads(payload or "{}"))
    assert {row: steps.findings.get(row, ("new", "open")) for row, _, _ in table} == {
        row: (a, b) for row, a, b in table
    }


def begun(swarm: Swarm, repo: Repo, workspace: Workspace) -> Coordinator:
    """A further run of the repository, with a frozen map."""
    made = swarm("init", "--new", ".", "--format", "json", "--domains-from", str(repo.root.parent / "map.json")).data[
        "runId"
    ]
    swarm("domains", made, "--freeze")
    return Coordinator(swarm, repo, workspace._replace(run=made))


def goes(run: Coordinator, seed: int, words: list[str]) -> None:
    dice = random.Random(seed)
    if dice.random() < 0.8:
        run.audit("health-audit-a", {}, {"line": 13, "quote": "    return undefined_name", "severity": "LOW"})
    for word in words:
        step(run, word, dice)
        lawful(run)


@settings(RULES, max_examples=6)
@given(seed=st.integers(0, 10_000), words=st.lists(st.sampled_from(WORDS), min_size=8, max_size=14))
def test_the_ledger_and_the_tables_never_part(
    swarm: Swarm, repo: Repo, workspace: Workspace, seed: int, words: list[str]
) -> None:
    goes(begun(swarm, repo, workspace), seed, words)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@settings(RULES, max_examples=150)
@given(seed=st.integers(0, 10_000), words=st.lists(st.sampled_from(WORDS), min_size=8, max_size=20))
def test_the_ledger_and_the_tables_never_part_in_long_histories(
    swarm: Swarm, repo: Repo, workspace: Workspace, seed: int, words: list[str]
) -> None:
    goes(begun(swarm, repo, workspace), seed, words)
