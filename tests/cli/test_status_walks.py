"""Along whole histories: `status` never says other than `advance --check-only`, and what it names next works."""

import random
import shlex

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from swarm.cli.verbs import HELP
from tests.cli.scenes.coordinator import Coordinator
from tests.conftest import Repo, Swarm, Workspace

pytestmark = pytest.mark.sweep

SAYS = {"READY TO ADVANCE": "ADVANCE", "AMEND NEEDED": "AMEND", "VERIFY REQUIRED": "VERIFY"}


@pytest.fixture
def run(swarm: Swarm, repo: Repo, workspace: Workspace) -> Coordinator:
    """A run with a frozen map."""
    return Coordinator(swarm, repo, workspace)


def agree(run: Coordinator) -> str:
    """Hold what `status` says to what the gates say; return the state."""
    status = run.status
    state, action = status["assessment"]["state"], status["assessment"]["nextAction"]
    checked = run.check()
    assert checked.data["verdict"] == SAYS.get(state, "BLOCK")
    assert checked.data["nextAction"] == action
    assert checked.exit == int(checked.data["verdict"] != "ADVANCE" and status["run"]["status"] != "complete")
    program, verb, *_ = shlex.split(action)
    assert program == "swarm"
    assert verb in HELP
    return state


def test_a_run_goes_from_its_first_phase_to_complete_by_what_status_names_next(run: Coordinator) -> None:
    phases, states, has_told = ["initializing"], set[str](), set[str]()
    while "COMPLETE" not in states and len(phases) < 20:
        state = agree(run)
        states.add(state)
        phase = run.status["run"]["status"]
        if phase != phases[-1]:
            phases.append(phase)
        if phase == "feature-audit" and state == "READY TO ADVANCE":
            _decide(run, is_made="feature-execute" in phases)
        _do(run, phase, has_told)
    assert phases == [
        *("initializing", "health-audit-a", "health-amend-a", "health-audit-a", "health-audit-b", "health-audit-c"),
        *("stage-d-audit", "feature-audit", "feature-execute", "feature-audit", "test", "treatment", "complete"),
    ]
    assert states == {
        *("NO WAVE", "IN PROGRESS", "READY TO COLLECT", "AMEND NEEDED", "VERIFY REQUIRED", "READY TO ADVANCE"),
        *("READY TO DISPATCH", "COMPLETE"),
    }
    history = run.check().data["history"]
    assert [(step["fromPhase"], step["toPhase"]) for step in history] == [
        ("health-amend-a", "health-audit-a"),
        ("health-audit-a", "health-audit-b"),
        ("health-audit-b", "health-audit-c"),
        ("health-audit-c", "stage-d-audit"),
        ("stage-d-audit", "feature-audit"),
        ("feature-audit", "feature-execute"),
        ("feature-execute", "feature-audit"),
        ("feature-audit", "test"),
        ("test", "treatment"),
        ("treatment", "complete"),
    ]


def _decide(run: Coordinator, *, is_made: bool) -> None:
    """Approve the feature that was wished for; once it is made, say so."""
    ids = ",".join(run.open_ids())
    evidence = ("--evidence", "seen", "--reason", "done", "--verified-how", "operator_evidence")
    if ids:
        verb, *words = ("close", *evidence) if is_made else ("approve",)
        run.swarm(verb, run.place.run, "--ids", ids, *words)


def _do(run: Coordinator, phase: str, has_told: set[str]) -> None:
    """Do what status names; what needs an agent or a build is played."""
    match shlex.split(run.assessed[2])[1:]:
        case ["launch", *_]:
            _play(run, phase, run.status["waves"]["current"]["number"], has_told)
        case ["merge", _]:
            run.merge()
        case ["merge", _, "--publish"]:
            run.merge("refs/heads/main", run.repo.commit({"src/app.py": "# mended\n"}))
        case ["verify", *_]:
            run.verify()
        case _:
            run.follow()


def _play(run: Coordinator, phase: str, number: int, has_told: set[str]) -> None:
    """Answer for the agents: each audit finds something once, each amend agent mends what it was given."""
    first = phase not in has_told
    has_told.add(phase)
    if phase in {"health-amend-a", "feature-execute"}:
        (run.tree(number) / "src/app.py").write_text(f"# mended in wave {number}\n", encoding="utf-8")
        fixes = [{"finding_id": finding, "description": "Mended."} for finding in run.open_ids()]
        run.answer(fixes=fixes, files_changed=["src/app.py"])
    elif phase == "feature-audit":
        wish = {
            "id": "1",
            "priority": "LOW",
            "category": "missing-feature",
            "description": "More.",
            "file": "src/app.py",
        }
        run.answer(features=[wish] if first else [])
    elif phase == "health-audit-a" and first:
        quote = "def load(path, seen=[]):"
        found = {"id": "1", "severity": "HIGH", "category": "bug", "description": "Wrong.", "file": "src/app.py"}
        run.answer(findings=[found | {"line": 5, "quote": quote}])
    else:
        run.answer()


# --- random histories -------------------------------------------------------------------------------------

STEPS = (
    *["follow"] * 6,
    "dispatch",
    "fail",
    "fail",
    "recover",
    "recover",
    "verify",
    "red",
    "merge",
    "decide",
    "advance",
)


def step(run: Coordinator, word: str, dice: random.Random) -> None:
    """Do one lawful thing, or what `status` names."""
    wave = run.status["waves"]["current"]
    ref = dice.choice(["refs/heads/swarm/integration", "refs/heads/main"])
    match word:
        case "decide":
            run.swarm("approve", run.place.run, "--all", exit=None)
        case "advance":
            run.swarm("advance", run.place.run, "--override", "--reason", "so", exit=None)
        case "fail" if wave is not None and wave["status"] == "dispatched":
            run.swarm("collect", run.place.run, exit=None)
        case "recover" if wave is not None:
            _recover(run, wave["number"], dice)
        case "dispatch":
            phase = dice.choice(["health-audit-b", "stage-d-audit", "feature-audit", "health-amend-a"])
            run.swarm("dispatch", run.place.run, phase, "--isolate", exit=None)
        case "verify" | "red":
            run.verify("pass" if word == "verify" else "fail")
        case "merge" if wave is not None:
            run.merge(ref, f"{dice.randrange(9)}" * 40)
        case _:
            _follow(run, ref, dice)


def _follow(run: Coordinator, ref: str, dice: random.Random) -> None:
    match shlex.split(run.assessed[2])[1]:
        case "launch":
            _answered(run, dice)
            run.swarm("collect", run.place.run, exit=None)
        case "verify":
            run.verify()
        case "merge":
            run.merge(ref)
        case "resume" | "redrive" | "revalidate" as verb:
            _take_up(run, verb, dice)
        case "dispatch":
            run.follow()
            _answered(run, dice)
            run.swarm("collect", run.place.run, exit=None)
        case _:
            run.follow(code=None)


def _take_up(run: Coordinator, verb: str, dice: random.Random) -> None:
    """Do what status names for a failed wave: what it names works, as a dry-run and applied."""
    line = run.assessed[2]
    if verb == "revalidate":
        # Where the outputs are that this run has; whether they are in order now is another matter.
        run.answer()
        for domain in ("code", "rest"):
            output = run.output(domain)
            line = line.replace(f"{domain}:<corrected-output.json>", f"{domain}:{output}")
        answer = run.swarm(*shlex.split(line)[1:], exit=None)
        assert (answer.code, answer.exit in {0, 1}) == (None, True)
        return
    assert run.swarm(*shlex.split(line)[1:], exit=None).code is None
    assert run.swarm(*shlex.split(line)[1:], "--apply", "--reason", "again", exit=None).code is None
    _answered(run, dice)
    run.swarm("collect", run.place.run, exit=None)


def _recover(run: Coordinator, number: int, dice: random.Random) -> None:
    """Call a verb that takes a wave up again, whether or not there is anything to take up."""
    why = ("--apply", "--reason", "again")
    match dice.choice(["resume", "redrive", "revalidate"]):
        case "resume":
            run.swarm("resume", run.place.run, *why, exit=None)
        case "redrive":
            run.swarm("redrive", f"{number}", run.place.run, *why, exit=None)
        case _:
            run.swarm("revalidate", run.place.run, "--domain", f"code:{run.output('code')}", *why, exit=None)


def _answered(run: Coordinator, dice: random.Random) -> None:
    """Write the agents' answers: as they should be, or not."""
    wave = run.status["waves"]["current"]
    severity = dice.choice(["HIGH", "LOW"])
    if dice.random() < 0.2:
        (run.newest_tree() / "README.md").write_text("# edited\n", encoding="utf-8")
    found = {"id": "1", "description": f"It is {severity}.", "file": "src/app.py", "line": dice.randrange(1, 9)}
    if wave["phase"] == "feature-audit":
        wish = {**found, "priority": severity, "category": "missing-feature"}
        run.answer(features=dice.choice([[], [wish]]))
    elif "audit" in wave["phase"]:
        run.answer(findings=dice.choice([[], [{**found, "severity": severity, "category": "bug"}]]))
    else:
        (run.newest_tree() / "src/app.py").write_text("# mended\n", encoding="utf-8")
        skipped = [{"finding_id": finding, "reason": "no"} for finding in run.open_ids()]
        run.answer(skipped=skipped if dice.random() < 0.8 else [], files_changed=["src/app.py"])


@settings(max_examples=7, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), words=st.lists(st.sampled_from(STEPS), min_size=6, max_size=9))
def test_status_and_the_gates_agree_after_every_step_of_any_history(
    swarm: Swarm, repo: Repo, workspace: Workspace, seed: int, words: list[str]
) -> None:
    made = swarm("init", "--new", ".", "--format", "json", "--domains-from", str(repo.root.parent / "map.json")).data[
        "runId"
    ]
    run = Coordinator(swarm, repo, workspace._replace(run=made))
    swarm("domains", made, "--freeze")
    dice = random.Random(seed)
    if dice.random() < 0.7:
        # Most begin where there is something to amend, or nothing left to audit.
        found = {"priority": "LOW"} if dice.random() < 0.4 else {}
        run.audit("feature-audit" if found else "health-audit-a", found)
        run.swarm("approve", made, "--all")
        agree(run)
    for word in words:
        step(run, word, dice)
        agree(run)
