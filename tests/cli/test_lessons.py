"""`swarm lessons`: files through their gates, and what a person decides about them."""

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from swarm import errors
from swarm.evidence.lessons.writers import reset_seen_writes, write_lesson, write_lessons
from swarm.rules.lessons.lesson import DOCTRINE, FINDING, KINDS, PATTERN, RECOMMENDATION
from tests.cli.errors.refusal import raises
from tests.cli.scenes.lessons import doctrine, finding, got, pattern, put, recommendation
from tests.cli.scenes.records import keep, record, scenario
from tests.conftest import Repo, Swarm
from tests.sweeping import swept

DOCUMENTS = {FINDING: finding(), PATTERN: pattern(), RECOMMENDATION: recommendation(), DOCTRINE: doctrine()}
SECOND = "dfind-acme-shop-import"


def log_of(root: Path) -> list[tuple[str, ...]]:
    lines = (root / "lessons/review-log.jsonl").read_text(encoding="utf-8").splitlines()
    keys = ("action", "id", "from_status", "to_status", "reason", "other")
    return [tuple(json.loads(line)[key] for key in keys) for line in lines]


def test_each_action_of_a_person_is_in_the_file_and_in_the_log(swarm: Swarm, repo: Repo) -> None:
    root = repo.root / "kept"
    first, second = put(root, finding()), put(root, finding(SECOND))
    one, two = "dfind-acme-shop-export", SECOND
    listed = swarm("lessons", "review", "--root", "kept").out.splitlines()
    assert listed == [
        "status     id                      title",
        f"candidate  {one}  The export step fails",
        f"candidate  {two}  The export step fails",
        "2 lessons to decide about: `swarm lessons review accept|reject ID --root kept`",
    ]
    swarm("lessons", "review", "review", one, "--root", "kept")
    assert swarm("lessons", "review", "accept", one, "dfind-acme-shop-i", "--root", "kept").out == (
        f"{one}: reviewed → accepted\n{two}: candidate → accepted\n"
    )
    for action, more in (
        ("reject", ()),
        ("invalidate", ()),
        ("merge", ("--into", one)),
        ("supersede", ("--into", one)),
    ):
        assert swarm("lessons", "review", action, two, *more, "--root", "kept", exit=1).code == "REASON_REQUIRED"
    swarm("lessons", "review", "merge", two, "--into", one, "--reason", "the same", "--root", "kept")
    assert got(first)["source_record_ids"] == ["acme/shop/export-1", "acme/shop/import-1"]
    assert (got(second)["status"], got(second)["merged_into"]) == ("rejected", one)
    swarm("lessons", "review", "reopen", two, "--root", "kept")
    assert "merged_into" not in got(second)
    swarm("lessons", "review", "supersede", two, "--into", one, "--reason", "older", "--root", "kept")
    assert got(second)["superseded_by"] == one
    swarm("lessons", "review", "invalidate", one, "--reason", "the record was wrong", "--root", "kept")
    assert log_of(root) == [
        ("review", one, "candidate", "reviewed", None, None),
        ("accept", one, "reviewed", "accepted", None, None),
        ("accept", two, "candidate", "accepted", None, None),
        ("merge", two, "accepted", "rejected", "the same", one),
        ("take_over", one, "accepted", "accepted", "the same", two),
        ("reopen", two, "rejected", "reviewed", None, None),
        ("supersede", two, "reviewed", "rejected", "older", one),
        ("invalidate", one, "accepted", "rejected", "the record was wrong", None),
    ]
    assert swarm("lessons", "review", "--status", "accepted", "--root", "kept").out == f"No lessons in {root}.\n"


def test_of_several_lessons_all_change_or_none(swarm: Swarm, repo: Repo) -> None:
    root = repo.root / "kept"
    files = [put(root, finding()), put(root, finding(SECOND, status="rejected"))]
    swarm("lessons", "review", "accept", "dfind-acme-shop-export", SECOND, "--root", "kept", exit=1)
    # Named whole and by its beginning, a lesson changes once.
    swarm("lessons", "review", "review", "dfind-acme-shop-e", "dfind-acme-shop-export", "--root", "kept")
    assert [got(file)["status"] for file in files] == ["reviewed", "rejected"]
    assert log_of(root) == [("review", "dfind-acme-shop-export", "candidate", "reviewed", None, None)]


def test_a_refused_action_leaves_no_log(swarm: Swarm, repo: Repo) -> None:
    root = repo.root / "kept"
    put(root, finding(status="rejected"))
    swarm("lessons", "review", "accept", "dfind-acme-shop-export", "--root", "kept", exit=1)
    assert not (root / "lessons/review-log.jsonl").exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("dfind-acme-shop-export",), "CLI_USAGE"),
        (("accept",), "CLI_USAGE"),
        (("accept", "dfind-acme-shop-export", "--into", SECOND), "CLI_USAGE"),
        (("merge", "dfind-acme-shop-export", "--reason", "x"), "CLI_USAGE"),
        (("merge", "dfind-acme-shop-export", "--into", "dpat-step", "--reason", "x"), "LESSON_STATE_REFUSED"),
        (("merge", "dfind-acme-shop-export", "--into", "dfind-acme", "--reason", "x"), "LESSON_STATE_REFUSED"),
        (("merge", "dpat-step", "--into", "dpat-other", "--reason", "x"), "LESSON_STATE_REFUSED"),
    ],
)
def test_an_action_that_makes_no_sense_is_refused(swarm: Swarm, repo: Repo, words: tuple[str, ...], code: str) -> None:
    put(repo.root / "kept", finding(), pattern(), pattern(pattern_id="dpat-other"))
    assert swarm("lessons", "review", *words, "--root", "kept", exit=None).code == code


POINTS = ("file.rename:2", "file.open:3", "file.open:4", "file.remove:1")


@pytest.mark.parametrize("point", swept(POINTS))
def test_a_review_that_is_killed_is_carried_out_by_the_next(
    swarm: Swarm, swarm_process: Swarm, repo: Repo, point: str
) -> None:
    root = repo.root / "kept"
    file = put(root, finding())
    words = ("lessons", "review", "accept", "dfind-acme-shop-export", "--root", "kept")
    swarm_process(*words, exit=-signal.SIGKILL, SWARM_FAILPOINT=point)
    # The next change, of whatever lesson, begins with what is left.
    put(root, finding(SECOND))
    swarm("lessons", "review", "accept", SECOND, "--root", "kept")
    carried_out = [("accept", "dfind-acme-shop-export", "candidate", "accepted", None, None)]
    assert log_of(root) == [*carried_out, ("accept", SECOND, "candidate", "accepted", None, None)]
    assert got(file)["status"] == "accepted"


def test_a_forged_journal_writes_nothing_outside_of_its_folders(swarm: Swarm, repo: Repo) -> None:
    file = put(repo.root / "kept", finding())
    journal = file.parents[1] / ".journal.json"
    for forged, code in (
        ({"kind": "finding", "document": finding(finding_id="../../../x")}, "FINDING_SCHEMA_INVALID"),
        ({"kind": "program", "document": {}}, "LESSON_FILE_INVALID"),
        (["finding"], "LESSON_FILE_INVALID"),
    ):
        journal.write_text(json.dumps({"lessons": [forged], "log_size": 0, "lines": []}))
        answer = swarm("lessons", "review", "accept", "dfind-acme-shop-export", "--root", "kept", exit=1)
        assert answer.code == code
    assert got(file)["status"] == "candidate"


HOSTILE = {
    "giant": "title: " + "x" * 300_000,
    "deep": "[" * 20_000,
    "bomb": "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
    "twice": "title: a title\ntitle: another title\n",
    "tagged": "title: !!python/object/apply:os.system [id]\n",
    "two documents": "title: x\n---\ntitle: y\n",
    "a list": "- title\n",
    "numbers": "1: 2\n",
    "binary": "\x00\x01",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused_by_every_verb_that_reads_it(swarm: Swarm, repo: Repo, case: str) -> None:
    file = put(repo.root / "kept", finding())
    file.write_text(HOSTILE[case])
    for words in (("review",), ("review", "accept", "dfind-acme"), ("synthesize",), ("advise",), ("export",)):
        assert swarm("lessons", *words, "--root", "kept", exit=1).code == "LESSON_FILE_INVALID"


def test_a_file_of_another_name_a_link_and_a_link_of_a_folder_are_refused(swarm: Swarm, repo: Repo) -> None:
    root = repo.root / "kept"
    file = put(root, finding())
    for act in (
        lambda: file.rename(file.with_name("dfind-acme-shop-other.yaml")),
        lambda: next(file.parent.iterdir()).rename(file.with_suffix(".yml")),
        lambda: (next(file.parent.iterdir()).rename(repo.root / "x.yaml"), file.symlink_to(repo.root / "x.yaml")),
        lambda: (file.unlink(), file.parent.rmdir(), file.parent.symlink_to(repo.root)),
    ):
        act()
        assert swarm("lessons", "review", "--root", "kept", exit=1).code == "LESSON_FILE_INVALID"


@raises("FINDING_ID_COLLISION")
@raises("PATTERN_ID_COLLISION")
@raises("RECOMMENDATION_ID_COLLISION")
@raises("DOCTRINE_ID_COLLISION")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.word)
def test_an_id_is_written_once_in_a_process_until_its_root_is_reset(tmp_path: Path, kind: object) -> None:
    own = next(each for each in KINDS if each is kind)
    document, lesson_id = DOCUMENTS[own], str(DOCUMENTS[own][own.id_key])
    file = write_lesson(tmp_path, own, document)
    code = f"{own.word.upper()}_ID_COLLISION"
    with pytest.raises(errors.LessonIdCollision) as raised:
        write_lesson(tmp_path, own, {**document, "title": "Another lesson of the same id"})
    assert (raised.value.code, raised.value.message) == (
        code,
        f"{own.word}_id collision: '{lesson_id}' already written in this process; refused to silently clobber",
    )
    # Another root has ids of its own.
    assert write_lesson(tmp_path / "other", own, document).is_file()
    reset_seen_writes(tmp_path)
    batch = write_lessons(tmp_path, own, [{**document, "title": "Rewritten by law"}, {"title": "x"}, document])
    assert batch.written == (file,)
    assert [(error.code, error.message.partition(";")[0]) for error in batch.errors] == [
        (f"{own.word.upper()}_SCHEMA_INVALID", batch.errors[0].message.partition(";")[0]),
        (code, f"intra-batch {own.word}_id collision: '{lesson_id}' already claimed by index 0"),
    ]
    assert got(file)["title"] == "Rewritten by law"


def test_the_gates_stand_in_their_order_and_before_the_disk(tmp_path: Path) -> None:
    write_lesson(tmp_path, FINDING, finding())
    (tmp_path / "lessons/patterns").symlink_to(tmp_path)
    with pytest.raises(errors.FindingSchemaInvalid):
        write_lesson(tmp_path, FINDING, finding(title="x"))
    with pytest.raises(errors.PatternSchemaInvalid):
        write_lesson(tmp_path, PATTERN, pattern(pattern_id="../x"))
    with pytest.raises(errors.LedOutside):
        write_lesson(tmp_path, PATTERN, pattern())
    reset_seen_writes(tmp_path)
    evidence = [
        {"record_id": "acme/shop/1", "text": "🎉" * 1000, "scenario_id": "🎉" * 300, "step_id": "🎉" * 300}
    ] * 40
    # It fits the schema, and would be more than a reader takes.
    names = [f"acme/shop/{number}{'r' * 300}" for number in range(200)]
    with pytest.raises(errors.LessonFileInvalid):
        write_lesson(tmp_path, FINDING, finding(evidence=evidence, source_record_ids=names))
    assert sorted(file.name for file in tmp_path.rglob("*.yaml")) == ["dfind-acme-shop-export.yaml"]


@pytest.mark.sweep
def test_processes_that_review_and_derive_at_once_lose_nothing(swarm: Swarm, swarm_process: Swarm, repo: Repo) -> None:
    root = repo.root / "kept"
    names = [f"dfind-acme-shop-n{number}" for number in range(8)]
    put(root, *map(finding, names))
    failed = scenario(verdict="fail", step_results=[{"step_id": "run", "status": "fail"}])
    keep(root, *(record(f"run-{number}", failed) for number in range(20)))
    words = [("review", "accept", name) for name in names] + [("derive", "--write")] * 4
    with ThreadPoolExecutor(len(words)) as pool:
        list(pool.map(lambda own: swarm_process("lessons", *own, "--root", "kept"), words))
    assert sorted(entry[1] for entry in log_of(root)) == names
    listed = swarm("lessons", "review", "--root", "kept", "--format", "json").data["lessons"]
    assert {lesson["status"] for lesson in listed if lesson["id"] in names} == {"accepted"}
    derived = "dfind-acme-shop-scenario-step-failure-cli-report-run"
    assert got(root / f"lessons/findings/{derived}.yaml")["occurrences"] == 20
    assert list(root.rglob("*.tmp")) == []
