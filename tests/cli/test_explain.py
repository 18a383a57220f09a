"""`swarm explain`: what a code, an exit code, an attempt or a finding means."""

import pytest

from swarm.errors import CATALOGUE
from tests.conftest import Repo, Swarm, Workspace


def test_every_code_is_explained_without_a_database(swarm: Swarm, repo: Repo) -> None:
    for code, kind in CATALOGUE.items():
        data = swarm("explain", code, "--format", "json").data
        assert (data["subject"], data["kind"], data["title"]) == (code, "error", kind.when)
        assert f"Severity {kind.severity}, exit code {kind.exit_code}" in data["meaning"]
        assert data["meaning"][0].startswith("Says: ")
        assert "{" not in "".join(data["meaning"][0:1])
        assert data["nextAction"]
    assert not (repo.root / "swarms").exists()


def test_a_code_may_be_written_small(swarm: Swarm) -> None:
    lines = swarm("explain", "run_ambiguous").out.splitlines()
    assert lines == [
        "RUN_AMBIGUOUS (error): RUN is a prefix of more than one run",
        "  Says: '<received>' is the beginning of <count> runs: <matches>",
        "  When: RUN is a prefix of more than one run",
        "  Severity MEDIUM, exit code 1",
        "Next: give more of the id; `swarm runs` lists them",
    ]


@pytest.mark.parametrize("number", [0, 1, 2, 3, 127, 130])
def test_every_exit_code_is_explained_with_the_codes_that_end_so(swarm: Swarm, number: int) -> None:
    data = swarm("explain", f"exit:{number}", "--format", "json").data
    assert (data["subject"], data["kind"]) == (f"exit:{number}", "exit code")
    ending = sorted(code for code, kind in CATALOGUE.items() if kind.exit_code == number and number > 1)
    assert data["meaning"] == ([f"Codes that end so: {', '.join(ending)}"] if ending else [])
    assert swarm("explain", str(number), "--format", "json").data == data


@pytest.mark.parametrize("thing", ["exit:4", "attempt:1", "nonsense", "", "NO_SUCH_CODE", "F-00000000"])
def test_an_unknown_subject_is_refused_without_a_database(swarm: Swarm, thing: str) -> None:
    assert swarm("explain", thing, exit=1).code == "SUBJECT_UNKNOWN"


def test_an_attempt_or_a_finding_that_is_not_there(swarm: Swarm, collected: Workspace) -> None:
    assert swarm("explain", "attempt:1", exit=1).code == "SUBJECT_UNKNOWN"
    assert swarm("explain", "F-00000000", exit=1).code == "FINDING_NOT_FOUND"
    assert swarm("explain", "nonsense", exit=1).code == "SUBJECT_UNKNOWN"


def test_a_findings_match_is_explained(swarm: Swarm, repo: Repo, collected: Workspace) -> None:
    (finding,) = swarm("findings", "--format", "json", exit=1).data["findings"]
    first = swarm("explain", finding["findingId"], "--format", "json").data
    assert first["meaning"][1] == "Matched by new: seen for the first time"
    repo.commit({"src/app.py": "# a\n" + (repo.root / "src/app.py").read_text()})
    swarm("dispatch", "health-audit-a", "--isolate")
    place = {"file": "src/app.py", "line": 6, "quote": "def load(path, seen=[]):", "symbol": "load"}
    collected.answer("code", place, wave=2)
    collected.answer("rest", wave=2)
    swarm("collect")
    again = swarm("explain", finding["findingId"][:6], "--format", "json").data
    assert again["meaning"][1] == "Matched by fingerprint: line 5 → 6, same text, occurrence 1 of 1"
    assert again["nextAction"] == f"swarm show {finding['findingId']}"
