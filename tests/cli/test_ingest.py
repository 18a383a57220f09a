"""`ingest`: submissions judged, and kept as records."""

import copy
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from swarm import documents, shipped
from swarm.cli import main
from swarm.errors import DuplicateRunIdError
from swarm.evidence.records import judge, keep
from swarm.evidence.records.keep import lock_of
from swarm.rules import record_policy
from tests.cli.errors.refusal import raises
from tests.cli.scenes.documents import valid
from tests.cli.scenes.snapshots import everything_in, nothing_changes
from tests.cli.scenes.submissions import SHA, SUBMISSION, Archive, submission
from tests.conftest import Swarm

PLACE = "records/org/repo/2026/05/01/run-run-1.json"
REJECTED = "records/_rejected/org/repo/2026/05/01/run-run-1.json"


def reasons(archive: Archive, what: Any, *words: str, exit: int = 1) -> list[str]:  # noqa: A002
    found: list[str] = valid(archive.ingest(what, *words, exit=exit), "ingest", exit)["rejectionReasons"]
    return found


def test_a_submission_becomes_a_record_once_and_the_indexes_name_it(archive: Archive) -> None:
    answer = archive.ingest(SUBMISSION)
    assert valid(answer, "ingest", 0) == {
        "status": "accepted",
        "runId": "run-1",
        "repo": "org/repo",
        "root": str(archive.root),
        "path": PLACE,
        "proposed": "pass",
        "verified": "pass",
        "downgraded": False,
        "downgradeReasons": [],
        "provenance": "stub",
        "provenanceConfirmed": True,
        "policyVersion": "built-in",
        "rejectionReasons": [],
        "policyWarnings": [],
        "sameAsRecorded": None,
        "verifyOnly": False,
        "isFault": False,
    }
    record = archive.read(PLACE)
    moment = record["verification"]["verified_at"]
    assert record == SUBMISSION | {
        "policy_version": "built-in",
        "overall_verdict": {"proposed": "pass", "verified": "pass", "downgraded": False},
        "verification": {
            "status": "accepted",
            "verified_at": moment,
            "provenance": "stub",
            "provenance_confirmed": True,
            "schema_valid": True,
            "policy_valid": True,
            "rejection_reasons": [],
        },
    }
    assert [event["stage"] for event in answer.events] == [
        *("dispatch_received", "context_loaded", "verify_complete", "persist_complete", "rebuild_indexes_complete"),
    ]
    latest = archive.read("indexes/latest-by-repo.json")["repos"]["org/repo"]["cli"]
    assert (latest["run_id"], latest["path"], latest["scenarios"]) == ("run-1", PLACE, {"export": "pass"})
    kept = everything_in(archive.root / "records")
    assert archive.ingest(SUBMISSION).data["sameAsRecorded"] is True
    # A second run of this id is another story, on any day; the first stays.
    other = submission(timing={"started_at": "2026-06-01T00:00:00Z", "finished_at": "2026-06-01T00:00:01Z"})
    data = archive.ingest(other).data
    assert (data["status"], data["sameAsRecorded"], data["path"]) == ("duplicate", False, PLACE)
    assert everything_in(archive.root / "records") == kept


def test_text_says_what_a_judgement_rests_on(archive: Archive, swarm: Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps(submission(scenario={"verdict": "partial", "notes": "\x1b[2J"}))

    def told(*words: str, exit: int = 0) -> list[str]:  # noqa: A002
        monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False, buffer=io.BytesIO(body.encode())))
        return swarm("ingest", "--provenance", "stub", "--root", archive.root, *words, exit=exit).out.splitlines()

    rests = ["  Provenance: stub: taken on trust, nobody was asked", "  Policy: built-in"]
    lowered = ["  Verdict: partial, proposed pass", "    lowered by scenario export: partial"]
    with nothing_changes(archive.root):
        assert told("--verify-only") == [
            "✓ Would be accepted: run run-1 of org/repo", *lowered, *rests, "  Nothing was written.",
        ]  # fmt: skip
    place = f"  Record: {archive.root}/{PLACE}"
    assert told() == ["✓ Accepted: run run-1 of org/repo", *lowered, *rests, place]
    assert told()[0] == "✓ Already recorded: run run-1 of org/repo"
    body = json.dumps(SUBMISSION)
    assert told()[0] == "⚠ Another record has this run id: run run-1 of org/repo"
    body = "{"
    assert told(exit=1)[:2] == [
        "⊘ Rejected: run malformed-021fb596db81e6d0 of _unknown/_unknown",
        "  schema: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
    ]


def test_a_rejected_submission_is_kept_with_its_reasons_and_bars_nothing(archive: Archive) -> None:
    bad = submission(scenario={"step_results": [{"step_id": "run", "status": "fail"}]})
    answer = archive.ingest(bad, exit=1)
    assert [event["stage"] for event in answer.events] == [
        *("dispatch_received", "context_loaded", "verify_complete", "rejected_pre_persist", "persist_complete"),
    ]
    reason = "steps[export]: verdict pass over step 'run', which is fail"
    record = archive.read(REJECTED)
    assert record["overall_verdict"] == {
        "proposed": "pass",
        "verified": "fail",
        "downgraded": True,
        "downgrade_reasons": [reason],
    }
    assert (record["verification"]["status"], record["verification"]["rejection_reasons"]) == ("rejected", [reason])
    archive.ingest(bad, exit=1)
    assert archive.files == [REJECTED]
    # Another rejection of the same run is kept beside, and the run itself can still be accepted.
    archive.ingest(bad | {"overall_verdict": "fail"}, exit=1)
    archive.ingest(SUBMISSION)
    assert len(archive.files) == 3
    assert {PLACE, REJECTED} < set(archive.files)
    assert archive.records("reindex")["corrupt"] == []


FORGED = {"verification": {}, "policy_version": "9", "overall_verdict": {"verified": "pass"}}


@pytest.mark.parametrize(
    ("what", "found"),
    [
        (b"\xff", ["schema: not UTF-8 at byte 0"]),
        (b"", ["schema: Expecting value: line 1 column 1 (char 0)"]),
        (b"[" * 100_000, ["schema: more than 64 levels of nesting"]),
        (b'{"a": 1, "a": 2}', ["schema: the key 'a' stands twice in one object"]),
        (b"[]", ["schema: $: it is no JSON object"]),
        (submission(**FORGED), [f"submission-contains-verifier-field: {key}" for key in ("policy_version", "verification", "overall_verdict")]),
        (submission(repo="../etc"), ["repo: it holds other characters than letters, digits, '.', '_' and '-'"]),
        (submission(repo="org/..", run_id="../x"), ["repo: a name of it ends with a dot", "schema: $.run_id: '../x' does not match '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$'"]),
        (submission(repo=None), ["schema: $: 'repo' is a required property"]),
        (submission(scenario_results=[]), ["schema: $.scenario_results: [] should be non-empty"]),
        (submission(timing={"started_at": "2026-13-01T00:00:00Z", "finished_at": "2026-05-02T00:00:00Z"}), ["schema: $.timing.started_at: there is no such moment"]),
        (submission(timing={"started_at": "2026-05-02T00:00:01Z", "finished_at": "2026-05-02T00:00:00Z"}), ["schema: $.timing.finished_at: it lies before started_at"]),
        (submission(timing={"started_at": "2026-05-02T00:00:01Z", "finished_at": "9026-05-02T00:00:00Z"}), ["schema: $.timing.finished_at: it lies in the future"]),
    ],
)  # fmt: skip
def test_a_malformed_submission_is_kept_in_a_form_that_is_always_valid(
    archive: Archive, what: Any, found: list[str]
) -> None:
    assert reasons(archive, what) == found
    [path] = archive.files
    record = archive.read(path)
    body = what if isinstance(what, bytes) else json.dumps(what).encode()
    assert path.startswith("records/_rejected/")
    assert record["malformed"]["bytes"] == len(body)
    assert record["malformed"]["truncated"] is (len(body) > 65_536)
    assert record["verification"]["schema_valid"] is False
    assert archive.records("list", "--status", "all")["corrupt"] == []


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from leaves(item, (*path, key))


def changed(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    made = copy.deepcopy(SUBMISSION)
    place: Any = made
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return made


def shown(path: tuple[str | int, ...]) -> str:
    return "$" + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)


@pytest.mark.sweep
@pytest.mark.parametrize("path", list(leaves(SUBMISSION)), ids=shown)
def test_a_field_of_another_type_rejects_a_submission_by_its_path(
    archive: Archive, path: tuple[str | int, ...]
) -> None:
    for value in (None, True, {"x": 1}):
        found = reasons(archive, changed(path, value), "--verify-only")
        prefix = "repo: " if path == ("repo",) else f"schema: {shown(path)}: "
        if path == ("overall_verdict",) and isinstance(value, dict):
            prefix = "submission-contains-verifier-field: overall_verdict"
        assert found[0].startswith(prefix), found
    if isinstance(path[-1], str):
        found = reasons(archive, changed((*path[:-1], "added"), 1), "--verify-only")
        assert found == [f"schema: {shown(path[:-1])}: Additional properties are not allowed ('added' was unexpected)"]


TAMPERED: list[tuple[tuple[str | int, ...], Any, str]] = [
    (("schema_version",), "2.0.0", "schema: $.schema_version: "),
    (("run_id",), "a/b", "schema: $.run_id: "),
    (("ref", "commit_sha"), "A" * 40, "schema: $.ref.commit_sha: "),
    (("ref", "commit_sha"), SHA + "\n", "schema: $.ref.commit_sha: "),
    (("source", "run_url"), "no url", "schema: $.source.run_url: "),
    (("ci_checks", 0, "kind"), "unit", "schema: $.ci_checks[0].kind: "),
    (("ci_checks", 0, "status"), "partial", "schema: $.ci_checks[0].status: "),
    (("scenario_results", 0, "product_surface"), "phone", "schema: $.scenario_results[0].product_surface: "),
    (("scenario_results", 0, "execution_mode"), "robot", "schema: $.scenario_results[0].execution_mode: "),
    (("scenario_results", 0, "verdict"), "skip", "schema: $.scenario_results[0].verdict: "),
    (("scenario_results", 0, "step_results"), [], "schema: $.scenario_results[0].step_results: "),
    (
        ("scenario_results", 0, "step_results", 0, "status"),
        "ok",
        "schema: $.scenario_results[0].step_results[0].status",
    ),
    (("scenario_results", 0, "step_results", 0, "status"), "blocked", "steps[export]: verdict pass over step 'run'"),
    (("scenario_results", 0, "step_results", 1, "step_id"), "run", "steps[export]: step 'run' stands 2 times"),
    (("scenario_results", 0, "attested_by"), " ", "policy: surface cli: scenario 'export' ran in mode human and names"),
    (("overall_verdict",), "excellent", "schema: $.overall_verdict: "),
]


@pytest.mark.parametrize(("path", "value", "prefix"), TAMPERED, ids=lambda value: str(value)[:40])
def test_a_value_that_is_wrong_rejects_a_submission(
    archive: Archive, path: tuple[str | int, ...], value: Any, prefix: str
) -> None:
    [reason] = reasons(archive, changed(path, value), "--verify-only")
    assert reason.startswith(prefix)


def test_policies_of_the_root_reject_warn_and_exempt_and_a_malformed_one_closes(archive: Archive) -> None:
    archive.write("policies/global-policy.yaml", "policy_version: '1'\ndefaults: {evidence: {count: 2}}\n")
    short = "policy: surface cli: scenario 'export' has 1 of 2 pieces of evidence"
    assert reasons(archive, SUBMISSION) == [short]
    record = archive.read(REJECTED)
    assert (record["policy_version"], record["verification"]["policy_valid"]) == ("1", False)
    own = "policies/repos/org/repo.yaml"
    archive.write(own, "policy_version: '2'\nrepo: org/repo\nenforcement: warn-only\nreason: new\n")
    data = archive.ingest(SUBMISSION, "--verify-only").data
    assert (data["policyVersion"], data["policyWarnings"], data["status"]) == ("1+2", [short], "accepted")
    archive.write(own, "policy_version: '2'\nenforcement: exempt\n")
    assert archive.ingest(SUBMISSION, "--verify-only").data["policyWarnings"] == []
    for text, problem in {
        "policy_version: '2'\nenforcement: none\n": "$.enforcement: 'none' is not one of ['required', 'warn-only', 'exempt']",
        "policy_version: '2'\nrepo: org/other\n": "it names the repository 'org/other'",
        "a: &a [1]\nb: *a\n": "line 1 holds an anchor or an alias",
        "": "$: None is not of type 'object'",
    }.items():
        archive.write(own, text)
        assert reasons(archive, SUBMISSION, "--verify-only") == [f"policy: {own}: {problem}"]
    (archive.root / own).unlink()
    (archive.root / own).symlink_to(archive.root / "nowhere.yaml")
    assert reasons(archive, SUBMISSION, "--verify-only") == [f"policy: {own}: No such file or directory"]


def test_a_scenario_must_have_the_steps_of_its_definition(archive: Archive) -> None:
    place = "scenarios/org/repo/export.yaml"
    archive.write(place, "scenario_id: export\nrequired_steps: [run, read, compare]\n")
    assert reasons(archive, SUBMISSION) == ["steps[export]: required step 'compare' is missing"]
    for text, problem in {
        "scenario_id: other\nrequired_steps: []\n": "it defines the scenario 'other'",
        "scenario_id: [\n": "while parsing",
    }.items():
        archive.write(place, text)
        [reason] = reasons(archive, SUBMISSION, "--verify-only")
        assert reason.startswith(f"scenario-load: {place}: {problem}")


@raises("VALIDATOR_FAULT_SCHEMA")
@raises("VALIDATOR_FAULT_STEPS")
@raises("VALIDATOR_FAULT_POLICY")
@pytest.mark.parametrize("validator", ["SCHEMA", "STEPS", "POLICY"])
def test_a_validator_that_crashes_is_a_fault_of_the_verifier(
    archive: Archive, validator: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object) -> None:
        raise RecursionError("too deep\nfor us")

    thrown = "too deep for us"
    if validator == "SCHEMA":
        # As an installation that lost a file.
        schemas = tmp_path / "schemas"
        schemas.mkdir()
        (schemas / "dogfood-record.schema.json").write_bytes(
            (shipped.schemas() / "dogfood-record.schema.json").read_bytes()
        )
        monkeypatch.setattr(shipped, "schemas", lambda: schemas)
        documents._quick_validator.cache_clear()
        thrown = f"[Errno 2] No such file or directory: '{schemas}/dogfood-submission.schema.json'"
    elif validator == "STEPS":
        monkeypatch.setattr(judge, "step_problems", broken)
    else:
        monkeypatch.setattr(record_policy, "judged", broken)
    data = archive.ingest(SUBMISSION, exit=2).data
    assert (data["status"], data["isFault"]) == ("rejected", True)
    assert data["rejectionReasons"] == [f"VALIDATOR_FAULT_{validator}: {thrown}"]
    assert archive.read(data["path"])["verification"]["rejection_reasons"] == data["rejectionReasons"]


@raises("RECORD_SCHEMA_INVALID")
def test_a_record_that_does_not_fit_its_schema_is_not_written(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = judge.overall
    monkeypatch.setattr(judge, "overall", lambda *told: {**whole(*told), "verified": "great"})
    with nothing_changes(archive.root):
        error = archive.ingest(SUBMISSION, exit=2).document["error"]
    message = "'great' is not one of ['pass', 'fail', 'blocked', 'partial']"
    assert error == {
        "code": "RECORD_SCHEMA_INVALID",
        "message": f"persisted record failed schema validation: $.overall_verdict.verified {message}",
        "hint": "inspect the failing record against schemas/dogfood-record.schema.json and fix the invalid fields "
        "before re-ingesting",
        "told": f"$.overall_verdict.verified {message}",
        "errors": [{"path": "$.overall_verdict.verified", "keyword": "enum", "message": message}],
    }


@raises("DUPLICATE_RUN_ID")
def test_a_writer_that_no_lock_holds_back_loses_the_race_and_overwrites_nothing(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.ingest(SUBMISSION)
    record = archive.read(PLACE)
    # As a writer on another machine, which looked before the record was there.
    monkeypatch.setattr(keep, "_of_any_day", lambda *_: iter(()))
    with nothing_changes(archive.root / "records"), pytest.raises(DuplicateRunIdError) as caught:
        keep.keep(archive.root, record)
    assert caught.value.message == f"duplicate run_id: run-1 — another writer won the race for {PLACE}"
    assert archive.ingest(SUBMISSION).data["status"] == "duplicate"


@raises("RECORDS_BUSY")
def test_records_that_stay_locked_are_reported_with_who_holds_them(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep, "LOCK_SECONDS", 0.1)
    with lock_of(archive.root, "records reindex"):
        error = archive.ingest(SUBMISSION, exit=2).document["error"]
    assert (error["code"], error["holder"]) == ("RECORDS_BUSY", f" by process {os.getpid()} records reindex")
    archive.ingest(SUBMISSION)


def test_thirty_two_writers_at_once_overwrite_nothing(archive: Archive, tmp_path: Path) -> None:
    """Half of the processes bring the same run id, each with another story; the others bring their own."""
    bodies = [submission(run_id="same" if n % 2 else f"own-{n}", scenario={"notes": f"by {n}"}) for n in range(32)]
    begin = os.pipe()
    children = []
    for number, body in enumerate(bodies):
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps(body))
        child = os.fork()
        if child == 0:
            os.read(begin[0], 1)
            os.dup2(os.open(tmp_path / f"{number}.out", os.O_CREAT | os.O_WRONLY), 1)
            os._exit(
                main.main(["ingest", "--file", str(file), "--provenance", "stub", "--root", str(archive.root), "-q"])
            )
        children.append(child)
    os.write(begin[1], b"x" * 32)
    assert {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children} == {0}
    place = "records/org/repo/2026/05/01/run-"
    assert archive.files == sorted([f"{place}same.json", *(f"{place}own-{n}.json" for n in range(0, 32, 2))])
    for number in range(0, 32, 2):
        assert archive.read(f"{place}own-{number}.json")["scenario_results"][0]["notes"] == f"by {number}"
    before = archive.read("indexes/latest-by-repo.json")["repos"]
    assert archive.records("reindex")["records"] == 17
    assert archive.read("indexes/latest-by-repo.json")["repos"] == before


@pytest.mark.sweep
def test_an_ingest_that_is_killed_anywhere_is_whole_after_the_next_one(archive: Archive, swarm_process: Swarm) -> None:
    archive.ingest(submission(run_id="first"))
    file = archive.root.parent / "next.json"
    for point in range(1, 200):
        file.write_text(json.dumps(submission(run_id=f"killed-{point}")))
        words = ("ingest", "--file", file, "--provenance", "stub", "--root", archive.root)
        if swarm_process(*words, exit=None, SWARM_FAILPOINT=f"*:{point}").exit == 0:
            break
        for record in (archive.root / "records").rglob("run-*.json"):
            json.loads(record.read_bytes())
        swarm_process(*words)
        kept = archive.read("indexes/latest-by-repo.json")["repos"]
        archive.records("reindex")
        assert archive.read("indexes/latest-by-repo.json")["repos"] == kept, point
    assert point > 10


def test_an_empty_file_bars_no_record(archive: Archive) -> None:
    other_day = PLACE.replace("05/01", "04/30")
    for place in (PLACE, other_day, REJECTED):
        archive.write(place, "")
    assert archive.ingest(SUBMISSION).data["status"] == "accepted"
    archive.ingest(submission(scenario={"attested_by": " "}), exit=1)
    assert archive.files == [REJECTED, PLACE]
    assert list((archive.root / "records/_writing").iterdir()) == []


def test_a_corrupt_file_or_a_link_in_the_place_of_a_record_is_refused(archive: Archive, tmp_path: Path) -> None:
    archive.write(PLACE, "{")
    with nothing_changes(archive.root / "records"):
        assert archive.ingest(SUBMISSION, exit=2).code == "RECORD_CORRUPT"
    (archive.root / PLACE).unlink()
    (archive.root / "records/org/repo").rename(tmp_path / "elsewhere")
    (archive.root / "records/org/repo").symlink_to(tmp_path / "elsewhere")
    with nothing_changes(tmp_path / "elsewhere"):
        assert archive.ingest(SUBMISSION, exit=2).code == "LED_OUTSIDE"


def test_a_duplicate_is_answered_by_the_record_that_is_there(archive: Archive) -> None:
    archive.ingest(SUBMISSION)
    archive.write("policies/global-policy.yaml", "policy_version: '7'\ndefaults: {tests_must_pass: true}\n")
    data = archive.ingest(SUBMISSION).data
    assert (data["status"], data["sameAsRecorded"], data["policyVersion"]) == ("duplicate", True, "built-in")


def test_an_agent_keeps_no_record(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWARM_ATTEMPT", "1")
    with nothing_changes(archive.root):
        assert archive.ingest(SUBMISSION, exit=2).code == "INSIDE_AGENT_WORKTREE"
