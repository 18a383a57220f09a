"""`swarm explain`: what a code, an exit code, an attempt or a finding means."""

import re
import sqlite3

import pytest

from swarm.errors import CATALOGUE
from swarm.rules.findings import STATUSES, EvidenceKind
from swarm.rules.known_findings import MatchedBy
from swarm.rules.meanings import EVIDENCE, VERDICTS
from swarm.rules.reviews import DISPUTED, ReviewVerdict
from tests.conftest import Repo, Swarm, Workspace


def test_every_code_is_explained_without_a_database(swarm: Swarm, repo: Repo) -> None:
    for code, kind in CATALOGUE.items():
        data = swarm("explain", code, "--format", "json").data
        assert (data["subject"], data["kind"], data["title"]) == (code, "error", kind.when)
        *says, severity = data["meaning"]
        assert severity == f"Severity {kind.severity}, exit code {kind.exit_code}"
        # Fields alone say nothing, neither of the error nor of what helps.
        for line in (*says, f"Next: {data['nextAction']}"):
            label, _, words = line.partition(": ")
            assert label in {"Says", "Next"}
            assert re.search(r"[a-z]", re.sub(r"<\w+>", "", words)), (code, line)
            assert "{" not in words
    assert not (repo.root / "swarms").exists()


def test_a_misspelt_code_is_answered_with_the_code(swarm: Swarm) -> None:
    first = swarm("explain", "run_ambigous", exit=1).err.splitlines()[0]
    assert first == "ERROR [SUBJECT_UNKNOWN]: Nothing here is called 'run_ambigous'. Did you mean 'RUN_AMBIGUOUS'?"


def test_a_code_may_be_written_small(swarm: Swarm) -> None:
    lines = swarm("explain", "run_ambiguous").out.splitlines()
    assert lines == [
        "RUN_AMBIGUOUS (error): RUN is a prefix of more than one run",
        "  Says: '<received>' is the beginning of <count> runs: <matches>",
        "  Severity MEDIUM, exit code 1",
        "Next: give more of the id; `swarm runs` lists them",
    ]


@pytest.mark.parametrize("word", [*ReviewVerdict, DISPUTED])
def test_every_verdict_of_a_review_is_explained(swarm: Swarm, word: str) -> None:
    data = swarm("explain", word.upper(), "--format", "json").data
    assert (data["subject"], data["kind"], data["title"]) == (word, "verdict", VERDICTS[word][0])
    assert data["nextAction"] == VERDICTS[word][1]


@pytest.mark.parametrize("number", [0, 1, 2, 3, 127, 130])
def test_every_exit_code_is_explained_with_the_codes_that_end_so(swarm: Swarm, number: int) -> None:
    data = swarm("explain", f"exit:{number}", "--format", "json").data
    assert (data["subject"], data["kind"]) == (f"exit:{number}", "exit code")
    ending = sorted(code for code, kind in CATALOGUE.items() if kind.exit_code == number and number > 1)
    assert data["meaning"] == ([f"Codes that end so: {', '.join(ending)}"] if ending else [])
    assert swarm("explain", str(number), "--format", "json").data == data


@pytest.mark.parametrize("word", ["B006", "b006"])
def test_a_rule_of_ruff_is_explained_by_ruff_without_a_database(swarm: Swarm, repo: Repo, word: str) -> None:
    data = swarm("explain", word, "--json").data
    assert (data["subject"], data["kind"]) == ("B006", "rule")
    assert data["title"].endswith("(mutable-argument-default, flake8-bugbear)")
    assert "## Why is this bad?" in data["meaning"]
    assert data["nextAction"] == "nothing: no finding of a run here has it"
    assert not (repo.root / "swarms").exists()


def test_a_rule_of_another_tool_is_explained_by_what_its_reports_say(swarm: Swarm, dispatched: Workspace) -> None:
    told = {"rule_id": "own/no-eval", "description": "Do not eval.", "recommendation": "Parse the text."}
    dispatched.answer("code", {"file": "src/tool.py", "line": 5, **told}, {"file": "src/app.py", "line": 5, **told})
    dispatched.answer("rest")
    swarm("collect")
    data = swarm("explain", "OWN/no-eval", "--json").data
    assert (data["subject"], data["kind"], data["title"]) == ("own/no-eval", "rule", "Do not eval.")
    assert data["meaning"] == ["Parse the text.", f"2 open of 2 findings of run {dispatched.run}"]
    assert data["nextAction"] == "swarm findings --rule own/no-eval --status all"
    assert len(swarm("findings", "--rule", "own/no-eval", "--status", "all", "--json", exit=1).data["findings"]) == 2


def test_the_plugin_of_a_rule_may_be_left_out_where_one_rule_has_the_name(swarm: Swarm, dispatched: Workspace) -> None:
    place = {"file": "src/tool.py", "line": 5, "description": "Do not."}
    dispatched.answer("code", *({**place, "rule_id": rule} for rule in ("a/no-eval", "a/twice", "b/twice")))
    dispatched.answer("rest")
    swarm("collect")
    assert swarm("explain", "no-eval", "--json").data["subject"] == "a/no-eval"
    assert swarm("explain", "twice", exit=1).code == "SUBJECT_UNKNOWN"


@pytest.mark.parametrize(
    ("word", "subject", "title", "page"),
    [
        ("DL3009", "DL3009", "a rule of hadolint", "https://github.com/hadolint/hadolint/wiki/DL3009"),
        ("sc2086", "SC2086", "a rule of shellcheck", "https://www.shellcheck.net/wiki/SC2086"),
        # Without a form of its own: by the table, with or without the plugin.
        (
            "no-eval",
            "eslint/no-eval",
            "a rule of oxlint",
            "https://oxc.rs/docs/guide/usage/linter/rules/eslint/no-eval.html",
        ),
        ("unpinned-uses", "unpinned-uses", "a rule of zizmor", "https://docs.zizmor.sh/audits/#unpinned-uses"),
    ],
)
def test_a_rule_that_the_table_of_analyzers_knows_has_its_page_without_a_database(
    swarm: Swarm, word: str, subject: str, title: str, page: str
) -> None:
    data = swarm("explain", word, "--json").data
    assert (data["subject"], data["title"], data["meaning"]) == (subject, title, [f"See {page}"])


def test_a_rule_stands_before_a_finding_whose_id_begins_so(swarm: Swarm, three: Workspace) -> None:
    with sqlite3.connect(three.db) as conn:
        conn.execute("UPDATE findings SET finding_id = 'F-f4010000' WHERE id = 1")
    conn.close()
    assert swarm("explain", "F401", "--json").data["kind"] == "rule"
    assert swarm("explain", "F-f401", "--json").data["kind"] == "finding"
    assert swarm("explain", "f4010", "--json").data["kind"] == "finding"


def test_every_kind_of_match_every_kind_of_evidence_and_every_status_is_explained(swarm: Swarm) -> None:
    for word in (*MatchedBy, *STATUSES):
        data = swarm("explain", word, "--json").data
        assert data["kind"] == ("status" if word in STATUSES else "match")
        assert data["title"]
    for word in EvidenceKind:
        assert EVIDENCE[word] in swarm("explain", word).out
    assert swarm("explain", "new").out.splitlines() == [
        "new (status): a wave reported it for the first time",
        "  As a match: no known finding is like it, so it became a finding of its own",
        "Next: fix, defer or reject it: `swarm fix F-…`",
    ]


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


def test_a_verb_is_explained_by_its_help_without_a_database(swarm: Swarm, repo: Repo) -> None:
    data = swarm("explain", "audit", "--json").data
    assert (data["subject"], data["kind"], data["nextAction"]) == ("audit", "verb", "swarm help audit")
    assert "\n".join(data["meaning"]) + "\n" == swarm("audit", "--help").out
    assert not (repo.root / "swarms").exists()
