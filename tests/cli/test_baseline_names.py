"""`audit --baseline RUN` and `--baseline FILE`: a state that a run of this control plane knew, or that a file holds."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Repo, Swarm
from tests.sweeping import swept

DEFECT = "def load(text):\n    return eval(text)\n"
OTHER = "import os\n\n\ndef other(text):\n    return exec(text)\n"
BOTH = [("other.py", "F401"), ("other.py", "S102")]
MOVED = "# a\n# b\n\n" + DEFECT + "\n\nVALUE = 1\n"


@pytest.fixture
def known(swarm: Swarm, repo: Repo) -> Repo:
    """A repository whose only defect an audit knows."""
    repo.git("rm", "-q", "-r", "src", "tests")
    repo.commit({"app.py": DEFECT})
    swarm("audit", ".", exit=1)
    return repo


def cloned(repo: Repo, place: Path) -> Repo:
    repo.git("clone", "-q", str(repo.root), str(place))
    return Repo(place)


def gate(swarm: Swarm, repo: Repo, baseline: str, exit: int = 0) -> dict[str, Any]:  # noqa: A002
    call = ("audit", ".", "--baseline", baseline, "--fail-on", "new", "--format", "json")
    data: dict[str, Any] = swarm(*call, exit=exit, cwd=repo.root).data
    return data


def new(data: dict[str, Any]) -> list[tuple[str, str]]:
    listed = {finding["findingId"]: finding for finding in data["digest"]["findings"]}
    return sorted((listed[name]["file"], listed[name]["ruleId"]) for name in data["newSinceBaseline"])


# --- a file ----------------------------------------------------------------------------------------------


@pytest.fixture
def exported(swarm: Swarm, known: Repo) -> Repo:
    """The same with its baseline committed as `baseline.json`."""
    said = swarm("findings", "--format", "baseline", "-o", "baseline.json").out
    assert re.fullmatch(r"Baseline of run swarm-\S+ written to baseline.json\n", said)
    known.commit(message="a baseline")
    return known


def test_a_committed_baseline_serves_a_fresh_clone_without_a_database(
    swarm: Swarm, exported: Repo, tmp_path: Path
) -> None:
    clone = cloned(exported, tmp_path / "clone")
    clone.git("mv", "app.py", "core.py")
    clone.commit({"core.py": MOVED})
    same = gate(swarm, clone, "./baseline.json")
    assert (new(same), len(same["digest"]["findings"])) == ([], 1)
    clone.commit({"other.py": OTHER})
    data = gate(swarm, clone, "baseline.json", exit=1)
    assert new(data) == new(gate(swarm, clone, str(clone.root / "baseline.json"), exit=1)) == BOTH
    run = json.loads((exported.root / "baseline.json").read_text())["runId"]
    assert data["baseline"] == {
        "kind": "file",
        "name": "baseline.json",
        "commit": exported.git("rev-parse", "HEAD~1"),
        "nothingKnown": False,
        "findings": 1,
        "runId": run,
        "wave": None,
        "also": None,
    }
    text = swarm("audit", ".", "--baseline", "baseline.json", "--fail-on", "new", exit=1, cwd=clone.root).out
    assert "\nCompared with the file baseline.json (1 finding)\n" in text


def test_a_baseline_is_the_same_bytes_each_time_and_fits_its_schema(swarm: Swarm, exported: Repo) -> None:
    import jsonschema

    body = (exported.root / "baseline.json").read_text()
    assert swarm("findings", "--format", "baseline").out == body
    assert swarm("findings", "--format", "baseline", "-o", "baseline.json").exit == 0
    assert (exported.root / "baseline.json").read_text() == body
    document = json.loads(body)
    jsonschema.validate(document, json.loads(swarm("schema", "baseline").out))
    assert document["fingerprints"] == "swarmFingerprint/v1"
    (finding,) = document["findings"]
    assert (finding["rule"], finding["place"]["path"], finding["place"]["line"]) == ("S307", "app.py", 2)


def test_a_baseline_holds_what_a_person_closed_and_what_its_filters_keep(swarm: Swarm, known: Repo) -> None:
    (finding,) = swarm("findings", "--format", "json", exit=1).data["findings"]
    swarm("reject", "--ids", finding["findingId"], "--reason", "safe here")
    body = json.loads(swarm("findings", "--format", "baseline").out)
    assert [item["findingId"] for item in body["findings"]] == [finding["findingId"]]
    assert json.loads(swarm("findings", "--format", "baseline", "--path", "lib/**").out)["findings"] == []


def test_a_history_that_was_rewritten_is_matched_by_the_text_of_the_lines(
    swarm: Swarm, exported: Repo, tmp_path: Path
) -> None:
    body = (exported.root / "baseline.json").read_text().replace(exported.git("rev-parse", "HEAD~1"), "1" * 40)
    clone = cloned(exported, tmp_path / "clone")
    clone.commit({"baseline.json": body, "app.py": MOVED, "other.py": OTHER})
    assert new(gate(swarm, clone, "./baseline.json", exit=1)) == BOTH


def test_a_file_is_taken_by_its_form_and_a_ref_of_that_name_is_named(swarm: Swarm, exported: Repo) -> None:
    exported.git("branch", "baseline.json")
    exported.commit({"other.py": OTHER})
    data = gate(swarm, exported, "baseline.json", exit=1)
    assert (data["baseline"]["kind"], new(data)) == ("file", BOTH)
    assert data["baseline"]["also"] == f"commit {exported.git('rev-parse', '--short=12', 'HEAD~1')}"
    answer = swarm("audit", ".", "--baseline", "baseline.json", exit=1)
    assert "has the name too" in answer.out
    assert [event["message"] for event in answer.events if event["stage"] == "baseline_taken"] == [
        "the file of this name was taken as the baseline"
    ]


HOSTILE: dict[str, tuple[Any, str]] = {
    "no JSON": (b"{", "BASELINE_FILE_INVALID"),
    "a list": (b"[]", "BASELINE_FILE_INVALID"),
    "deep": (b"[" * 100 + b"]" * 100, "BASELINE_FILE_INVALID"),
    "the same key twice": (b'{"schema": "swarm.baseline/v1", "schema": "swarm.baseline/v1"}', "BASELINE_FILE_INVALID"),
    "a later form": ({"schema": "swarm.baseline/v2"}, "BASELINE_VERSION_UNKNOWN"),
    "later fingerprints": ({"fingerprints": "swarmFingerprint/v2"}, "BASELINE_VERSION_UNKNOWN"),
    "an option in place of a commit": ("commit", "--output=x"),
    "a path that climbs": ("path", "../../etc/passwd"),
    "an absolute path": ("path", "/etc/passwd"),
    "a path into .git": ("path", ".git/config"),
    "a line before the file": ("line", 0),
    "an endless line": ("line", 2**62),
    "a fingerprint of words": ("fingerprint", "../../x"),
}


@pytest.mark.parametrize("what", swept(HOSTILE, first=3))
def test_a_hostile_baseline_is_refused_and_nothing_is_made(
    swarm: Swarm, exported: Repo, tmp_path: Path, what: str
) -> None:
    change, value = HOSTILE[what]
    document = json.loads((exported.root / "baseline.json").read_text())
    code = value
    match change:
        case bytes():
            body = change
        case dict():
            body = json.dumps(document | change).encode()
        case _:
            code = "BASELINE_FILE_INVALID"
            finding = document["findings"][0]
            (finding if change in finding else finding["place"])[change] = value
            body = json.dumps(document).encode()
    clone = cloned(exported, tmp_path / "clone")
    (clone.root / "bad.json").write_bytes(body)
    answer = swarm("audit", ".", "--baseline", "./bad.json", exit=2, cwd=clone.root)
    assert answer.code == code
    assert not (clone.root / "swarms").exists()


def test_a_missing_file_and_a_pipe_are_refused(swarm: Swarm, exported: Repo, tmp_path: Path) -> None:
    for place in ("./nowhere.json", "/dev/zero", "."):
        name = place if place != "." else "./."
        assert swarm("audit", ".", "--baseline", name, exit=2).code == "BASELINE_FILE_INVALID"


def test_a_baseline_replaces_no_other_file(swarm: Swarm, known: Repo) -> None:
    assert swarm("findings", "--format", "baseline", "-o", "app.py", exit=1).code == "OUTPUT_NOT_WRITABLE"
    assert swarm("findings", "--format", "text", "-o", "x.json", exit=None).code == "CLI_USAGE"
    assert swarm("findings", "--format", "baseline", "--limit", "3", exit=None).code == "CLI_USAGE"


# --- a run -----------------------------------------------------------------------------------------------


def test_a_run_is_known_by_its_last_promotion(swarm: Swarm, known: Repo) -> None:
    run = swarm("runs", "--format", "json").data[0]["id"]
    swarm("advance", "--override", "--reason", "the gate is tested", exit=None)
    swarm("advance", exit=None)
    known.commit({"other.py": OTHER})
    swarm("audit", ".", exit=1)
    known.commit({"more.py": "VALUE = 1\n"})
    # The newest audit knows of them already, and the promotion did not.
    shortest = next(cut for length in (6, 7, 8) if not (cut := run.rpartition("-")[2][:length]).isdigit())
    for name in ("latest", run, run[:-4], shortest):
        data = gate(swarm, known, name, exit=1)
        assert (data["baseline"]["kind"], data["baseline"]["runId"], data["baseline"]["wave"]) == ("run", run, 1)
        assert new(data) == BOTH


def test_a_run_without_a_promotion_is_known_by_its_newest_audit_or_by_a_named_wave(swarm: Swarm, known: Repo) -> None:
    known.commit({"other.py": OTHER})
    assert new(gate(swarm, known, "latest", exit=1)) == BOTH
    assert new(gate(swarm, known, "latest")) == []
    named = gate(swarm, known, "latest@1", exit=1)
    assert (named["baseline"]["wave"], new(named)) == (1, BOTH)
    text = swarm("audit", ".", "--baseline", "latest@1", exit=1).out
    assert re.search(r"\nCompared with run swarm-\S+ after wave 1 \(1 finding\)\n", text)


def test_what_was_fixed_in_the_named_state_and_came_back_is_new(swarm: Swarm, known: Repo) -> None:
    known.commit({"app.py": "VALUE = 1\n"})
    swarm("audit", ".")
    known.commit({"app.py": DEFECT})
    assert new(gate(swarm, known, "latest", exit=1)) == [("app.py", "S307")]
    assert new(gate(swarm, known, "latest@2", exit=1)) == [("app.py", "S307")]
    assert new(gate(swarm, known, "latest@1")) == []


def test_a_committed_control_plane_is_the_baseline_of_a_clone(swarm: Swarm, known: Repo, tmp_path: Path) -> None:
    known.git("add", "-f", "swarms/control-plane.db")
    known.commit(message="the control plane")
    clone = cloned(known, tmp_path / "clone")
    clone.commit({"app.py": MOVED, "other.py": OTHER})
    assert new(gate(swarm, clone, "latest", exit=1)) == BOTH


def test_a_ref_wins_over_the_hex_of_a_run_and_latest_is_a_run(swarm: Swarm, known: Repo) -> None:
    run = swarm("runs", "--format", "json").data[0]["id"]
    known.git("branch", run.rpartition("-")[2])
    known.git("tag", "latest")
    known.commit({"other.py": OTHER})
    ref = gate(swarm, known, run.rpartition("-")[2], exit=1)["baseline"]
    assert (ref["kind"], ref["also"]) == ("commit", f"run {run}")
    latest = gate(swarm, known, "latest")["baseline"]
    assert (latest["kind"], latest["also"]) == ("run", f"commit {known.git('rev-parse', '--short=12', 'latest')}")
    assert gate(swarm, known, "refs/tags/latest", exit=1)["baseline"]["kind"] == "commit"


@pytest.mark.parametrize("name", swept(["./baseline.json", "latest"]))
def test_the_commands_of_the_docs_work_in_a_fresh_clone(
    swarm: Swarm, exported: Repo, tmp_path: Path, name: str
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "ci.md").read_text(encoding="utf-8")
    (line,) = re.findall(rf"- run: swarm (audit \. --baseline {re.escape(name)} --fail-on new)\n", page)
    # The database comes with the clone only where a run of it is named.
    if name == "latest":
        exported.git("add", "-f", "swarms/control-plane.db")
        exported.commit(message="the control plane")
    clone = cloned(exported, tmp_path / "clone")
    assert (clone.root / "swarms").exists() == (name == "latest")
    clone.commit({"app.py": MOVED})
    swarm(*line.split(), cwd=clone.root)
    clone.commit({"other.py": OTHER})
    assert "other.py" in swarm(*line.split(), cwd=clone.root, exit=1).out
