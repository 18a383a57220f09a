"""`swarm verify-fixed`: each kind of evidence is checked again, and classified by how much it proves."""

import sqlite3
from typing import Any

import pytest

from tests.cli.scenes.merge_team import LOAD, MENDED, NAME, RETITLED, STEP, TITLE, Team
from tests.cli.scenes.second_look import CLOSE, audit, classes, edited, looked
from tests.conftest import SOURCE, Answer, Repo, Swarm, Workspace
from tests.sweeping import swept

# --- the classes, by kind of evidence --------------------------------------------------------------------


def test_a_line_that_was_removed_is_verified_and_one_that_is_back_has_regressed(team: Team) -> None:
    load = team.ids()["def load"]
    before = team.repo.head
    team.repo.commit({"src/app.py": MENDED})
    audit(team, NAME, rest=(TITLE,))
    assert team.status_of(load) == "fixed"
    first = looked(team, "verify-fixed")
    assert first.data["findings"] == [
        {
            "finding_id": load,
            "classification": "verified",
            "verified_via": "anchor",
            "evidence": "the line is gone or was rewritten",
            "severity": "MEDIUM",
            "rule_id": None,
            "file": "src/app.py",
            "line": 5,
            "status": "fixed",
            "domain": "code",
            "description": "It is wrong.",
        }
    ]
    assert (first.data["schema"], first.data["commitSha"]) == ("verify-fixed-delta/v2", team.repo.head)
    assert classes(looked(team, "verify-fixed", "--commit", before, exit=1)) == {
        load: ("claimed-but-still-present", "anchor")
    }
    team.repo.commit({"src/app.py": "# more\n" + SOURCE["src/app.py"].replace("    return undefined", "    return un")})
    back = looked(team, "verify-fixed", exit=1)
    assert classes(back) == {load: ("regressed", "anchor")}
    assert back.data["findings"][0]["evidence"] == "it was seen gone, and is back; it stands unchanged at src/app.py:6"
    assert (back.data["threshold"], back.data["thresholdExceeded"]) == (0, True)
    assert looked(team, "verify-fixed", "--threshold", "1").data["thresholdExceeded"] is False


def test_white_space_and_moved_lines_are_no_fix(team: Team) -> None:
    load = team.ids()["def load"]
    team.dispatch()
    moved = "# one\n# two\n" + SOURCE["src/app.py"].replace("def load(path, seen=[]):", "def load( path,  seen=[] ):")
    team.edit("code", {"src/app.py": moved})
    team.collect(code=(load,))
    assert team.merge().data["fixed"] == []
    assert classes(looked(team, "verify-fixed", exit=1)) == {load: ("claimed-but-still-present", "anchor")}


def test_a_file_that_was_removed_is_verified(team: Team) -> None:
    ids = team.ids()
    team.dispatch()
    team.edit("code", {"src/app.py": None})
    team.collect(code=(ids["def load"],))
    team.merge("--publish")
    answer = looked(team, "verify-fixed")
    assert [(row["finding_id"], row["evidence"]) for row in answer.data["findings"]] == [
        (ids["def load"], "the file is gone")
    ]


def test_a_fix_in_another_file_is_not_proved_by_the_name_of_that_file(team: Team) -> None:
    ids = team.ids()
    team.dispatch()
    team.edit("code", {"src/tool.py": "def run():\n    return 1\n"})
    team.answer("code", ids["def load"], fix={"file": "src/tool.py"})
    team.answer("rest", ids["# A project"], fix={"file": "web/index.html"})
    team.swarm("collect")
    assert team.merge("--publish").data["fixed"] == []
    still = ("claimed-but-still-present", "anchor")
    assert classes(looked(team, "verify-fixed", exit=1)) == {ids["def load"]: still, ids["# A project"]: still}


def test_what_its_owner_found_removed_is_attested_as_long_as_the_quoted_line_stands(team: Team) -> None:
    load = team.ids()["def load"]
    source = edited(SOURCE["src/app.py"])
    team.repo.commit({"src/app.py": source})
    audit(team, NAME, rest=(TITLE,), confirmed=[{"finding_id": load, "quote": "import os.path"}])
    assert team.rows("SELECT evidence FROM findings WHERE finding_id = ?", load) == [("confirmed",)]
    attested = looked(team, "verify-fixed")
    assert classes(attested) == {load: ("verified", "agent_attestation")}
    assert attested.data["findings"][0]["evidence"] == ("the owner's agent found it gone: src/app.py: import os.path")
    team.repo.commit({"src/app.py": SOURCE["src/app.py"]})
    assert classes(looked(team, "verify-fixed", exit=2)) == {load: ("unverifiable", "unverifiable")}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({}, "without a quote of the line that shows it"),
        ({"quote": "def load(path, seen=[]):"}, "its quote is the line of the finding"),
        ({"quote": "import nothing"}, "its quote is no line of src/app.py"),
        ({"quote": "x", "file": "README.md"}, "README.md is neither its file nor a file that its fix names"),
    ],
)
def test_a_confirmation_that_shows_nothing_proves_nothing(team: Team, answer: dict[str, str], reason: str) -> None:
    load = team.ids()["def load"]
    team.repo.commit({"src/app.py": edited(SOURCE["src/app.py"])})
    audit(team, NAME, rest=(TITLE,), confirmed=[{"finding_id": load, **answer} if answer else load])
    assert team.rows("SELECT status, observation_reason FROM findings WHERE finding_id = ?", load) == [
        ("approved", f"confirmed as gone, but {reason}")
    ]


def test_a_confirmation_of_a_file_that_did_not_change_proves_nothing(team: Team) -> None:
    load = team.ids()["def load"]
    audit(team, NAME, rest=(TITLE,), confirmed=[{"finding_id": load, "quote": "import os"}])
    assert team.rows("SELECT status, observation_reason FROM findings WHERE finding_id = ?", load) == [
        ("approved", "confirmed as gone, but src/app.py has not changed since it was seen")
    ]


@pytest.mark.parametrize(
    ("how", "via"),
    [("independent", "operator"), ("operator_evidence", "operator"), ("self_attested", "agent_attestation")],
)
def test_what_was_closed_on_a_word_is_still_present_while_its_line_stands(team: Team, how: str, via: str) -> None:
    load = team.ids()["def load"]
    team.swarm("close", "--ids", load, *CLOSE, how)
    assert classes(looked(team, "verify-fixed", exit=1)) == {load: ("claimed-but-still-present", via)}
    # A comment above the line changes the file and fixes nothing.
    team.repo.commit({"src/app.py": "# checked\n" + SOURCE["src/app.py"]})
    assert classes(looked(team, "verify-fixed", exit=1)) == {load: ("claimed-but-still-present", via)}
    team.swarm("verify", team.run, "--threshold", "0", exit=1)


def test_a_finding_without_a_file_that_was_closed_is_a_word_that_nothing_can_verify(team: Team) -> None:
    audit(team, LOAD, NAME, rest=(TITLE, {"description": "Nothing says how to run it."}))
    nowhere = team.ids()[""]
    team.swarm("close", "--ids", nowhere, *CLOSE, "independent")
    assert classes(looked(team, "verify-fixed", exit=2)) == {nowhere: ("unverifiable", "operator")}


@pytest.mark.parametrize("evidence", ["anchor", "operator", "confirmed", "analyzer_rescan"])
def test_a_row_that_was_edited_in_the_database_is_not_verified(team: Team, evidence: str) -> None:
    load = team.ids()["def load"]
    with sqlite3.connect(team.place.db) as conn:
        conn.execute(
            "UPDATE findings SET observation = 'fixed', evidence = ?, evidence_note = ?, fixed_commit = ?"
            " WHERE finding_id = ?",
            (evidence, "src/app.py\nimport os", team.repo.head, load),
        )
    answer = looked(team, "verify-fixed", exit=1)
    assert [(row["classification"], row["evidence"]) for row in answer.data["findings"]] == [
        (
            "claimed-but-still-present",
            "the database says fixed, and no event of the ledger made it so; it stands unchanged at src/app.py:5",
        )
    ]


@pytest.fixture
def rescanned(swarm: Swarm, repo: Repo) -> Team:
    """ruff found an undefined name; it was defined elsewhere in the file, and ruff was silent."""
    repo.commit({"ruff.toml": 'lint.select = ["F821"]\n'})
    swarm("audit", ".", exit=1)
    source = (repo.root / "src/app.py").read_text()
    repo.commit({"src/app.py": source + "\n\nundefined_name = 1\n"})
    swarm("audit", ".")
    (run,) = swarm("runs", "--format", "json").data
    team = Team(swarm, repo, Workspace(run["id"], repo.root / "swarms", repo.root / "swarms/control-plane.db"))
    assert team.rows("SELECT evidence, status FROM findings") == [("analyzer_rescan", "fixed")]
    return team


def test_the_silence_of_an_analyzer_is_as_good_as_the_content_it_read(rescanned: Team) -> None:
    (finding,) = rescanned.ids().values()
    source = (rescanned.repo.root / "src/app.py").read_text()
    same = looked(rescanned, "verify-fixed")
    assert classes(same) == {finding: ("verified", "cross_ref")}
    assert same.data["findings"][0]["evidence"] == (
        "its analyzer read this very content with the rule on, and was silent"
    )
    rescanned.repo.commit({"src/app.py": edited(source)})
    asked = looked(rescanned, "verify-fixed")
    assert classes(asked) == {finding: ("verified", "cross_ref")}
    assert asked.data["findings"][0]["evidence"].endswith("read the file with F821 on, and is silent on it")
    rescanned.repo.commit({"src/app.py": source.replace("undefined_name = 1\n", "other = 1\n")})
    back = looked(rescanned, "verify-fixed", exit=1)
    assert classes(back) == {finding: ("claimed-but-still-present", "anchor")}
    assert back.data["findings"][0]["evidence"].endswith("reports it at src/app.py:13")


def test_an_analyzer_that_would_look_otherwise_now_cannot_answer(rescanned: Team) -> None:
    (finding,) = rescanned.ids().values()
    source = (rescanned.repo.root / "src/app.py").read_text()
    rescanned.repo.commit({"src/app.py": edited(source), "ruff.toml": 'lint.select = ["E9"]\n'})
    answer = looked(rescanned, "verify-fixed", exit=2)
    assert classes(answer) == {finding: ("unverifiable", "unverifiable")}
    assert answer.data["findings"][0]["evidence"] == (
        "its line stands at src/app.py:13, and the file has changed since its analyzer was silent on it"
    )
    assert answer.data["thresholdExceeded"] is False


BODY = "import os\n\n\ndef first():\n    return undefined_name\n\n\ndef second():\n    return undefined_name\n"


@pytest.fixture
def claiming(swarm: Swarm, repo: Repo) -> Team:
    """ruff found two undefined names alike and an import that nobody uses; an amend wave is in flight."""
    repo.commit({"ruff.toml": 'lint.select = ["F"]\n', "src/app.py": BODY, "src/tool.py": "x = 1\n"})
    swarm("audit", ".", exit=1)
    (run,) = swarm("runs", "--format", "json").data
    team = Team(swarm, repo, Workspace(run["id"], repo.root / "swarms", repo.root / "swarms/control-plane.db"))
    team.prove_with(STEP)
    swarm("approve", "--all")
    team.dispatch()
    return team


def claim(team: Team, files: dict[str, str], rule: str, *, exit: int) -> Answer:  # noqa: A002
    """Let the owner of the sources write these and claim each finding of a rule; merge, and look again."""
    team.edit("backend", files)
    claimed = [row for (row,) in team.rows("SELECT finding_id FROM findings WHERE rule_id = ? ORDER BY id", rule)]
    for (domain,) in team.rows("SELECT domain FROM agent_runs WHERE wave_id = 2"):
        team.answer(domain, *(claimed if domain == "backend" else ()))
    team.swarm("collect")
    fixed = team.merge("--publish").data["fixed"]
    answer = looked(team, "verify-fixed", exit=exit)
    rows = [row for row in answer.data["findings"] if row["finding_id"] in claimed]
    assert sorted(fixed) == sorted(row["finding_id"] for row in rows if row["classification"] == "verified")
    return answer


def kinds(answer: Answer) -> set[str]:
    return {row["classification"] for row in answer.data["findings"]}


def test_a_claim_on_which_its_analyzer_is_silent_is_fixed(claiming: Team) -> None:
    answer = claim(claiming, {"src/app.py": BODY.replace("undefined_name", "1")}, "F821", exit=0)
    assert kinds(answer) == {"verified"}


@pytest.mark.parametrize(
    ("text", "rule"),
    swept(
        [
            # Rewritten, and reported in other words of the line.
            (BODY.replace("return undefined_name", "return (undefined_name)"), "F821"),
            # Moved and rewritten: no line and no text is the same, but as many are reported as before.
            ("import os\n\nX = 1\n\n" + BODY[10:].replace("return undefined_name", "return [undefined_name]"), "F821"),
            (BODY.replace("undefined_name\n", "undefined_name  # noqa: F821\n"), "F821"),
            ("# ruff: noqa: F401\nimport os  # of use\n" + BODY[10:], "F401"),
            ("# ruff: noqa\nimport os  # of use\n" + BODY[10:], "F401"),
        ]
    ),
)
def test_a_claim_that_its_analyzer_still_reports_or_that_a_comment_hides_is_still_present(
    claiming: Team, text: str, rule: str
) -> None:
    assert kinds(claim(claiming, {"src/app.py": text}, rule, exit=1)) == {"claimed-but-still-present"}


@pytest.mark.parametrize(
    "config", swept(['lint.select = ["E"]\n', 'lint.select = ["F"]\nlint.per-file-ignores."src/*" = ["F"]\n'])
)
def test_a_claim_whose_analyzer_is_configured_otherwise_by_now_stays_unproved(claiming: Team, config: str) -> None:
    text = BODY.replace("return undefined_name", "return (undefined_name)")
    claim(claiming, {"src/app.py": text}, "F821", exit=1)
    claiming.repo.commit({"ruff.toml": config})
    answer = looked(claiming, "verify-fixed", exit=1)
    assert [row["evidence"] for row in answer.data["findings"]] == [
        "reformatted: nothing but comments, brackets or layout changed at src/app.py:5",
        "reformatted: nothing but comments, brackets or layout changed at src/app.py:9",
    ]
    assert {row for (row,) in claiming.rows("SELECT outcome FROM fix_claims")} == {"claimed"}


def test_a_file_that_is_written_to_while_it_is_read_proves_no_claim(
    claiming: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    from swarm.waves.prove import rescan

    answers = rescan._answers

    def late(runtime: Any, bench: Any, tree: Any, *rest: Any) -> Any:
        (tree / "src/app.py").write_text("x = 1\n")
        return answers(runtime, bench, tree, *rest)

    monkeypatch.setattr(rescan, "_answers", late)
    text = BODY.replace("return undefined_name", "return 1")
    answer = claim(claiming, {"src/app.py": text}, "F821", exit=2)
    assert kinds(answer) == {"unverifiable"}
    assert {row["evidence"] for row in answer.data["findings"]} == {"its file was written to while it was read"}


# --- the four questions ----------------------------------------------------------------------------------


def test_with_nothing_to_look_at_all_is_well(team: Team) -> None:
    answer = looked(team, "verify-fixed")
    assert (answer.data["summary"]["total"], answer.data["findings"]) == (0, [])
    assert team.swarm("verify-fixed", "--format", "text").out == "Nothing to look at again.\n"


# --- how it is shown -------------------------------------------------------------------------------------


@pytest.fixture
def half(team: Team) -> Team:
    """One claim that holds and one that changed nothing."""
    ids = team.ids()
    team.dispatch()
    team.edit("rest", {"README.md": RETITLED})
    team.collect(code=(ids["def load"],), rest=(ids["# A project"],))
    team.merge("--publish")
    return team


def test_the_text_names_the_offending_first(half: Team) -> None:
    ids = half.ids()
    assert half.swarm("verify-fixed", "--format", "text", exit=1).out.splitlines() == [
        "2 findings looked at again: 1 verified, 1 claimed but still present",
        f"⊘ src/app.py:5  {ids['def load']}  claimed-but-still-present by anchor: it stands unchanged at src/app.py:5",
        f"✓ README.md:1  {ids['# A project']}  verified by anchor: the line is gone or was rewritten",
        "⊘ More offend than the 0 that may",
    ]


def test_in_a_pipe_it_is_a_table_in_markdown(half: Team) -> None:
    ids = half.ids()
    piped = half.swarm("verify-fixed", exit=1).out
    assert piped == half.swarm("verify-fixed", "--format", "markdown", exit=1).out
    assert piped.splitlines() == [
        f"# verify-fixed of {half.run} at {half.repo.head[:12]}",
        "",
        "2 findings looked at again: 1 verified, 1 claimed but still present",
        "",
        "| Where | Class | Via | Evidence | Rule | Id |",
        "| --- | --- | --- | --- | --- | --- |",
        (
            "| `src/app.py:5` | claimed-but-still-present | anchor | it stands unchanged at src/app.py:5 |  | "
            f"{ids['def load']} |"
        ),
        f"| `README.md:1` | verified | anchor | the line is gone or was rewritten |  | {ids['# A project']} |",
    ]


def test_a_second_look_writes_its_delta_and_nothing_else(half: Team) -> None:
    before = half.place.db.read_bytes()
    folder = half.place.folder / half.run
    names = {file.name for file in folder.iterdir()}
    looked(half, "verify-fixed", exit=1)
    assert half.place.db.read_bytes() == before
    assert {file.name for file in folder.iterdir()} - names == {"verify-fixed-2.json"}
