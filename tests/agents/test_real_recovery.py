"""Real coding agents whose provider fails them once: the next attempt ends in a verified fix."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.agents.conftest import Run, settings_of, works
from tests.agents.model_server import model_server
from tests.agents.programs import Program
from tests.agents.steps import Half, Silence, Step, Write
from tests.cli.scenes.launched_agents import record_of
from tests.conftest import Repo

pytestmark = [pytest.mark.agents, pytest.mark.timeout(900)]
# Half a stream is an error of the provider, or of the way to it, by the words of each program.
FAILURES: dict[str, tuple[Step, set[tuple[str, str, str | None]]]] = {
    "silence": (Silence(), {("stalled", "STALLED", "provider_zero_progress")}),
    "half": (
        Half(),
        {
            ("stalled", "STALLED", "provider_error"),
            ("stalled", "STALLED", "provider_zero_progress"),
            ("runtime_error", "BACKEND_UNREACHABLE", None),
        },
    ),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_an_agent_whose_provider_fails_once_is_launched_anew_and_its_fix_is_verified(
    program: Program, project: Repo, run: Run, failure: str
) -> None:
    step, ends = FAILURES[failure]

    # The model of a program without tools of its own would write the file by the same answer.
    writes = failure == "half" and not program.is_python

    def fails_once(text: str) -> Sequence[Step]:
        is_first = "amend the domain" in text and "An earlier attempt" not in text
        begun = [Write("src/begun.txt", "begun\n")] if writes else []
        return [*begun, step] if is_first else works(text)

    project.commit({"swarm.toml": settings_of(program, attempts=2, no_event=25)}, "settings")
    with model_server(script=fails_once) as server:
        assert run(server.base, "audit", ".", "--runtime", program.runtime).exit == 1
        fix = run(server.base, "fix", "--all", "--runtime", program.runtime, "--format", "json")
        assert fix.exit == 0, fix.out + fix.err
        found = run(server.base, "attempts", "--format", "json").data["agents"]
    (agent,) = [each for each in found if each["attempts"]]
    first, second = agent["attempts"]
    assert (first["outcome"], first["errorCode"], first["stallReason"]) in ends
    assert second["outcome"] == "success"
    lineage = {
        "requestedAttemptId": first["id"],
        "selectedAttemptId": second["id"],
        "attemptChain": [first["id"], second["id"]],
        "recoveredFrom": first["id"],
        "recoveryReason": first["stallReason"] or "backend_unreachable",
        "originalStallReason": first["stallReason"],
        "recoveryStallReason": None,
    }
    assert {name: agent[name] for name in lineage} == lineage
    assert record_of(second)["recovery"]["handoffCapsule"][0].startswith(f"it ended: {lineage['recoveryReason']}: ")
    # What the first attempt wrote is saved beside its record, and is no work of the second.
    patch = Path(first["recordPath"]).parent / "diff.patch"
    assert (patch.read_text() if patch.exists() else "").count("+begun") == writes
    changed = project.git("diff", "--name-only", f"main..{fix.data['branch']}").splitlines()
    assert changed == ["src/app.py"]
    assert project.git("show", f"{fix.data['branch']}:src/app.py") == "def load(path):\n    return open(path).read()"
