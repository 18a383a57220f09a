"""Every path of the corpus wherever one is named: nothing outside of the repository is looked at or written."""

import json
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest

from tests.conftest import Answer, Repo, Swarm, Workspace
from tests.hostile.cases import listed
from tests.hostile.law import assert_lawful, assert_whole, checkout

pytestmark = pytest.mark.sweep

REFUSED: Final = [(path, reason) for reason, paths in listed("paths/refused").items() for path in paths]
# What stands before the reason is empty where the path is; a finding without a file is a finding.
NAMED: Final = [(path, reason) for path, reason in REFUSED if path]
TAKEN: Final = [pair for pairs in listed("paths/taken").values() for pair in pairs.items()]
EVERY: Final = [*[path for path, _ in REFUSED], *[path for path, _ in TAKEN]]
# No process can be given a NUL in an argument.
ARGUMENTS: Final = [path for path in EVERY if "\0" not in path]
SECRET: Final = "a line that nobody may see"


@pytest.fixture
def linked(swarm: Swarm, repo: Repo, tmp_path: Path) -> Workspace:
    """A wave in flight over a commit with the corpus's odd names, and links that lead to a secret."""
    (tmp_path / "outside").mkdir()
    for place in (tmp_path / "secret.txt", tmp_path / "outside/secret.txt", tmp_path / "outside/x"):
        place.write_text(f"{SECRET}\n" * 3)
    repo.write(dict.fromkeys(listed("paths/taken")["tracked"], "x = 1\n"))
    (repo.root / "deep").mkdir()
    for link, target in (("link", "../outside"), ("deep/link", "../../outside"), ("loop", "loop")):
        (repo.root / link).symlink_to(target)
    repo.commit()
    (tmp_path / "map.json").write_text('[{"name": "code", "globs": ["src/**"]}, {"name": "rest", "globs": ["**"]}]')
    run = swarm("init", ".", "--domains-from", tmp_path / "map.json", "--format", "json").data["runId"]
    swarm("dispatch", run, "health-audit-a", "--auto-freeze")
    return Workspace(run, repo.root / "swarms", repo.root / "swarms/control-plane.db")


def finding(path: str, number: int) -> dict[str, Any]:
    return {"description": f"It is wrong {number}.", "file": path, "line": 1}


def held(answer: Answer, form: str = "json") -> Answer:
    assert_lawful(answer, form=form)
    assert SECRET not in answer.out + answer.err
    return answer


def problems(data: Any, domain: str) -> list[tuple[str, str, str]]:
    (agent,) = (agent for agent in data["agents"] if agent["domain"] == domain)
    return [(error["code"], error["path"], error["message"].rpartition("': ")[2]) for error in agent["errors"]]


def test_a_finding_at_a_hostile_path_is_refused_for_itself(swarm: Swarm, repo: Repo, linked: Workspace) -> None:
    before = checkout(repo)
    linked.answer("code", *(finding(path, number) for number, (path, _) in enumerate(NAMED)))
    linked.answer("rest", *(finding(path, number) for number, (path, _) in enumerate(TAKEN)))
    data = held(swarm("collect", "--format", "json")).data
    assert problems(data, "code") == [
        ("PATH_UNSAFE", f"$.findings[{number}].file", reason) for number, (_, reason) in enumerate(NAMED)
    ]
    assert problems(data, "rest") == []
    found = held(swarm("findings", "--format", "json", exit=1)).data["findings"]
    meant = {f"It is wrong {number}.": path for number, (_, path) in enumerate(TAKEN)}
    assert {item["file"] for item in found} == set(meant.values())
    for item in found:
        held(swarm("show", item["findingId"]), "text")
        held(swarm("show", item["findingId"], "--format", "json"))
    for words in (("findings",), ("findings", "--group-by", "file"), ("receipt",), ("report", "-o", "../report.html")):
        held(swarm(*words, exit=None), "text")
    held(swarm("findings", "--format", "sarif", exit=1), "sarif")
    assert SECRET not in (repo.root.parent / "report.html").read_text()
    assert checkout(repo) == before
    assert_whole(swarm, linked.db)


def test_sarif_at_a_hostile_uri_is_refused_for_itself(
    swarm: Swarm, repo: Repo, linked: Workspace, tmp_path: Path
) -> None:
    results = [
        {
            "ruleId": f"R{number}",
            "message": {"text": f"It is wrong {number}."},
            "locations": [
                {"physicalLocation": {"artifactLocation": {"uri": quote(path, safe="")}, "region": {"startLine": 1}}}
            ],
        }
        for number, (path, _) in enumerate(NAMED)
    ]
    log = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "t"}}, "results": results}]}
    (tmp_path / "all.sarif").write_text(json.dumps(log))
    linked.answer("rest")
    data = held(swarm("collect", "--domain", f"code:{tmp_path}/all.sarif", "--format", "json")).data
    refused = problems(data, "code")
    assert {code for code, _, _ in refused} == {"PATH_UNSAFE"}
    # A URI has more forms than a path: what is taken names no file, or a file of the commit.
    placed = {item["file"] for item in swarm("findings", "--format", "json", exit=None).data["findings"]}
    assert len(refused) > len(NAMED) // 2
    assert placed <= {None, *repo.git("ls-files", "-z").split("\0")}


@pytest.mark.parametrize("isolate", [True, False], ids=["isolated", "shared"])
def test_an_amend_report_of_hostile_paths_is_refused_path_by_path(
    swarm: Swarm, repo: Repo, linked: Workspace, isolate: bool
) -> None:
    linked.answer("code", {"file": "src/app.py", "line": 5, "quote": "def load(path, seen=[]):"})
    linked.answer("rest")
    swarm("collect")
    swarm("approve", "--all")
    swarm("dispatch", "health-amend-a", *(["--isolate"] if isolate else []))
    (first,) = swarm("findings", "--format", "json", exit=1).data["findings"]
    body = {
        "domain": "code",
        "summary": "Mended.",
        "fixes": [{"finding_id": first["findingId"], "description": "x", "file": path} for path in EVERY],
        "files_changed": [path for path, _ in REFUSED],
        "requests": [{"file": path, "reason": "x"} for path in EVERY],
    }
    linked.output("code", 2).write_text(json.dumps(body))
    linked.output("rest", 2).write_text(json.dumps({**body, "domain": "rest", "files_changed": [p for p, _ in TAKEN]}))
    data = held(swarm("collect", "--format", "json", exit=None)).data
    unsafe = [problem for problem in problems(data, "code") if problem[0] == "PATH_UNSAFE"]
    assert unsafe[: len(REFUSED)] == [
        ("PATH_UNSAFE", f"$.files_changed[{number}]", reason) for number, (_, reason) in enumerate(REFUSED)
    ]
    # A request for an unsafe path is refused by itself as well.
    assert {reason for _, place, reason in unsafe[len(REFUSED) :]} >= {reason for _, reason in REFUSED}
    assert all(place.startswith("$.requests[") for _, place, _ in unsafe[len(REFUSED) :])
    for words in (("lease", "list"), ("receipt",), ("status",), ("history", "2")):
        held(swarm(*words), "text")
        held(swarm(*words, "--format", "json"))
    asked = {lease["file"] for lease in swarm("lease", "list", "--format", "json").data["leases"]}
    assert asked <= {path for _, path in TAKEN}
    assert_whole(swarm, linked.db)


def test_a_lease_of_a_hostile_path_is_refused(swarm: Swarm, linked: Workspace) -> None:
    for path, reason in ((path, reason) for path, reason in REFUSED if "\0" not in path):
        answer = held(swarm("lease", "grant", "--domain", "code", f"--file={path}", "--reason", "x", exit=1), "text")
        (shown,) = (line for line in answer.err.splitlines() if line.startswith("ERROR"))
        assert (answer.code, shown.rpartition(": ")[2]) == ("PATH_UNSAFE", reason), path
    for path, meant in TAKEN:
        answer = held(swarm("lease", "grant", "--domain", "code", f"--file={path}", "--reason", "x", exit=None), "text")
        assert answer.exit == 0 or answer.code in {"LEASE_NOT_APPLICABLE", "PATH_UNSAFE"}, meant
    held(swarm("lease", "list"), "text")
    assert_whole(swarm, linked.db)


def test_a_question_about_a_hostile_path_is_answered_or_refused(swarm: Swarm, linked: Workspace) -> None:
    linked.answer("code", finding("src/app.py", 1))
    linked.answer("rest")
    swarm("collect")
    for path in ARGUMENTS:
        held(swarm("domains", f"--who={path}", exit=None), "text")
        held(swarm("findings", f"--path={path}", exit=None), "text")
        held(swarm("triage", f"--import={path}", exit=None), "text")
        held(swarm("--db", path, "status", exit=None), "text")
        held(swarm("collect", "--domain", f"code:{path}", exit=None), "text")
