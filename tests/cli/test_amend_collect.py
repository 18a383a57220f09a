"""`swarm collect` of an amend wave: what git shows of each agent, what it may touch, what its fixes come to."""

import json
import os
import shutil

import pytest

from swarm import documents
from tests.cli.scenes.amend_wave import AGENTS, LINE, MENDED, PHASE, Amending, fixes, skipped, violations
from tests.cli.scenes.collected import tree_of
from tests.cli.scenes.snapshots import nothing_changes
from tests.conftest import RefusedRows

# --- a wave that goes well --------------------------------------------------------------------------------


def test_a_fixed_finding_is_claimed_with_what_the_agent_s_tree_shows_and_stays_approved(amending: Amending) -> None:
    amending.mend()
    amending.answer("code", "load", files=("src/app.py",))
    data = amending.collect()
    assert documents.check(data, "collect") is None
    ids = amending.ids
    unanswered = "it was given to this agent, which said nothing of it"
    assert data == {
        "runId": amending.run,
        "waveId": 2,
        "waveNumber": 2,
        "phase": PHASE,
        "waveStatus": "collected",
        "agents": [
            {
                "domain": domain,
                "agentRunId": number,
                "status": "complete",
                "findingsCount": 0,
                "errors": [],
                "violations": [],
                "divergence": None,
                "fixes": int(domain == "code"),
                "sharedEdits": [],
                "ignored": [],
            }
            for number, domain in enumerate(AGENTS, 4)
        ],
        "findings": {"new": 0, "recurring": 0, "fixed": 0, "unverified": 0, "recurredWhileClosed": 0},
        "bySeverity": {"CRITICAL": 0, "HIGH": 1, "MEDIUM": 6, "LOW": 1},
        "violations": [],
        "ownershipProbeDegraded": False,
        "fixes": [
            {
                "findingId": ids["load"],
                "domain": "code",
                "verifiedVia": "anchor",
                "evidence": "the line is gone or was rewritten",
            }
        ],
        "skippedFixes": [
            {"findingId": ids[name], "domain": domain, "reason": "unanswered", "told": unanswered}
            for name, domain in (("eval", "code"), ("assert", "tests"))
        ],
        "requests": [],
        "summary": "Wave 2 (health-amend-a): 3 of 3 agents complete; 1 fix claimed, 2 skipped, 1 file changed",
        "nextAction": f"swarm merge {amending.run}",
        "notes": [],
        "refused": 0,
        "refusedItems": [],
        "review": False,
        "reviews": [],
        "unanswered": [],
    }
    assert amending.status("load") == "approved"
    assert amending.claims() == [("code", "src/app.py", "edit", 1, 1, "code", 0)]
    (work,) = amending.sql("SELECT work FROM agent_runs WHERE domain = 'code' AND wave_id = 2")[0]
    assert amending.repo.git("cat-file", "blob", f"{work}:src/app.py").count(MENDED) == 1


def test_the_text_shows_fixes_skips_requests_and_what_was_not_reported(amending: Amending) -> None:
    amending.mend()
    amending.edit("code", "docs/guide.md")
    asked = [{"file": "lib/api.py", "reason": "it calls it"}]
    amending.answer("code", "load", files=("src/tool.py",), requests=asked)
    amending.answer("tests", skipped=[{"finding_id": amending.ids["assert"], "reason": "it is\nright"}])
    lines = amending.swarm("collect", amending.run).out.splitlines()
    ids = amending.ids
    for line in (
        f"✓ {ids['load']} claimed by code, seen by anchor: the line is gone or was rewritten",
        f"⚠ {ids['eval']} of code skipped (unanswered): it was given to this agent, which said nothing of it",
        f"⚠ {ids['assert']} of tests skipped (skipped_by_agent): it is\\nright",
        "⚠ code asks for lib/api.py: it calls it",
        "⚠ code did not report 2 files: docs/guide.md, src/app.py",
        "⚠ code reported 1 file that git does not show: src/tool.py",
        "⚠ code edited shared files: docs/guide.md",
    ):
        assert line in lines
    assert lines[-2:] == ["Wave status: collected", f"Next: swarm merge {amending.run}"]


# --- who touched what -------------------------------------------------------------------------------------


def test_git_s_word_and_the_agent_s_are_kept_side_by_side(amending: Amending) -> None:
    tree = amending.tree("code")
    amending.edit("code", "src/app.py")
    amending.edit("code", "src/new.py", "x = 1\n")
    (tree / "src/tool.py").rename(tree / "src/tools.py")
    amending.answer("code", files=("src/app.py", "./src\\tool.py", "src/never.py"))
    data = amending.collect()
    assert amending.claims() == [
        ("code", "src/app.py", "edit", 1, 1, "code", 0),
        ("code", "src/never.py", "edit", 0, 1, "code", 0),
        ("code", "src/new.py", "create", 1, 0, "code", 0),
        ("code", "src/tool.py", "rename", 1, 1, "code", 0),
        ("code", "src/tools.py", "rename", 1, 0, "code", 0),
    ]
    assert data["agents"][0]["divergence"] == {
        "missingFromReport": ["src/new.py", "src/tools.py"],
        "extraInReport": ["src/never.py"],
    }
    assert data["summary"].endswith("4 files changed")


def test_a_deleted_file_is_a_claim_and_its_finding_removed(amending: Amending) -> None:
    (amending.tree("code") / "src/app.py").unlink()
    amending.answer("code", "load", files=("src/app.py",))
    data = amending.collect()
    assert amending.claims() == [("code", "src/app.py", "delete", 1, 1, "code", 0)]
    assert [(fix["verifiedVia"], fix["evidence"]) for fix in data["fixes"]] == [("anchor", "the file is gone")]


def test_unsafe_names_are_reported_and_the_rest_is_kept(amending: Amending) -> None:
    amending.edit("code", "src/app.py")
    amending.answer("code", files=("../../etc/passwd", "/etc/passwd", "src/app.py", "src/.git/config"))
    data = amending.collect()
    assert [(error["code"], error["path"], error["message"]) for error in data["agents"][0]["errors"]] == [
        ("PATH_UNSAFE", "$.files_changed[0]", "'../../etc/passwd': it climbs out of the repository"),
        ("PATH_UNSAFE", "$.files_changed[1]", "'/etc/passwd': it is absolute"),
        ("PATH_UNSAFE", "$.files_changed[3]", "'src/.git/config': it leads into .git"),
    ]
    assert (data["waveStatus"], data["agents"][0]["divergence"]) == ("collected", None)


def test_absolute_names_of_the_agent_s_own_tree_are_its_files(amending: Amending) -> None:
    amending.edit("code", "src/app.py")
    tree = amending.tree("code")
    asked = [{"file": f"{tree}/tests/test_app.py", "reason": "x"}]
    amending.answer("code", files=(f"{tree}/src/app.py", f"{amending.repo.root}/src/tool.py"), requests=asked)
    data = amending.collect()
    assert [one["path"] for one in data["agents"][0]["errors"]] == ["$.files_changed[1]"]
    assert (data["agents"][0]["divergence"], data["waveStatus"]) == (None, "collected")
    assert [one["file"] for one in data["requests"]] == ["tests/test_app.py"]


FOREIGN = {
    "owned": ("tests/test_app.py", "tests"),
    "bridge": ("lib/api.py", "api"),
    "coordinator": (".github/ci.yml", "ci"),
    "unassigned": ("README.md", "unassigned"),
    "unassigned and new": ("new.txt", "unassigned"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_an_edit_of_what_is_not_its_own_is_a_violation_and_its_work_stays(amending: Amending, kind: str) -> None:
    path, owner = FOREIGN[kind]
    amending.mend()
    amending.edit("code", path)
    amending.answer("code", "load", files=("src/app.py", path))
    with nothing_changes(amending.tree("code")):
        data = amending.collect(exit=1)
    assert violations(data) == [(path, "code", owner)]
    assert [agent["status"] for agent in data["agents"]] == ["ownership_violation", "complete", "complete"]
    # The fixes of an agent that broke the rule are no claims.
    assert (data["waveStatus"], fixes(data)) == ("failed", [])
    assert amending.sql("SELECT path FROM file_claims WHERE violation") == [(path,)]


@pytest.mark.parametrize("how", ["a rename into it", "a rename out of it", "a commit taken back", "the report alone"])
def test_a_foreign_file_is_seen_however_it_was_touched(amending: Amending, how: str) -> None:
    tree = amending.tree("code")
    path = "tests/test_app.py"
    if how == "a rename into it":
        path = "tests/tool.py"
        (tree / "src/tool.py").rename(tree / path)
    elif how == "a rename out of it":
        (tree / path).rename(tree / "src/test_app.py")
    elif how == "a commit taken back":
        amending.edit("code", path)
        amending.repo.git("commit", "-qam", "one", cwd=tree)
        amending.repo.git("checkout", "-q", "HEAD~1", "--", ".", cwd=tree)
    amending.answer("code", files=(path,) if how == "the report alone" else ())
    assert violations(amending.collect(exit=1)) == [(path, "code", "tests")]


def test_a_file_of_a_shared_domain_may_be_edited_and_is_recorded(amending: Amending) -> None:
    amending.edit("code", "docs/guide.md")
    amending.edit("code", "docs/new.md", "# New\n")
    amending.answer("code", files=("docs/guide.md", "docs/new.md"))
    data = amending.collect()
    assert (data["waveStatus"], data["agents"][0]["sharedEdits"]) == ("collected", ["docs/guide.md", "docs/new.md"])
    assert [claim[5:] for claim in amending.claims()] == [("docs", 0), ("docs", 0)]


def test_a_lease_lets_one_file_through_for_one_domain_in_one_wave(amending: Amending) -> None:
    amending.approve("port", "nowhere")
    amending.swarm("lease", "grant", amending.run, "--domain", "code", "--file", "lib/api.py", "--reason", "it calls")
    for path in ("lib/api.py", "lib/other.py"):
        amending.edit("code", path)
    amending.edit("tests", "lib/api.py")
    amending.answer("code", files=("lib/api.py", "lib/other.py"))
    amending.answer("tests", files=("lib/api.py",))
    data = amending.collect(exit=1)
    assert violations(data) == [("lib/other.py", "code", "api"), ("lib/api.py", "tests", "api")]
    amending.dispatch("--isolate")
    amending.edit("code", "lib/api.py", wave=3)
    amending.answer("code", files=("lib/api.py",), wave=3)
    assert violations(amending.collect(exit=1, wave=3)) == [("lib/api.py", "code", "api")]


def test_a_leased_file_alone_is_no_violation(amending: Amending) -> None:
    amending.swarm("lease", "grant", amending.run, "--domain", "code", "--file", "README.md", "--reason", "to tell it")
    amending.edit("code", "README.md")
    amending.answer("code", files=("README.md",))
    assert amending.collect()["waveStatus"] == "collected"
    assert amending.claims() == [("code", "README.md", "edit", 1, 1, None, 0)]


def test_what_an_agent_asks_for_becomes_a_request_for_the_next_wave(amending: Amending) -> None:
    asked = [
        {"file": "./lib/api.py", "reason": "it calls it"},
        {"file": "src/app.py", "reason": "its own"},
        {"file": "docs/guide.md", "reason": "shared"},
        {"file": "../out", "reason": "away"},
    ]
    amending.answer("code", requests=asked)
    data = amending.collect()
    assert data["requests"] == [{"domain": "code", "file": "lib/api.py", "reason": "it calls it"}]
    keys = ("wave", "domain", "file", "status", "requestReason")
    (lease,) = amending.swarm("lease", "list", amending.run, "--format", "json").data["leases"]
    assert tuple(lease[key] for key in keys) == (3, "code", "lib/api.py", "requested", "it calls it")


# --- outside of its tree ----------------------------------------------------------------------------------


def test_a_write_into_the_primary_checkout_is_a_violation_of_the_wave(amending: Amending) -> None:
    amending.repo.write({"src/app.py": "# from outside\n", "stray.txt": "x"})
    data = amending.collect(exit=1)
    assert violations(data) == [
        ("src/app.py", "the wave", "primary checkout"),
        ("stray.txt", "the wave", "primary checkout"),
    ]
    assert [agent["status"] for agent in data["agents"]] == ["complete"] * 3


@pytest.mark.parametrize("what", ["config", "hooks/post-checkout", "info/attributes"])
def test_a_changed_git_folder_is_a_violation_and_no_git_runs_in_the_trees(amending: Amending, what: str) -> None:
    planted, ran = amending.repo.root / ".git" / what, amending.repo.root.parent / "ran"
    if what == "config":
        amending.repo.git("config", "filter.evil.clean", f"touch {ran}; cat")
    else:
        planted.parent.mkdir(exist_ok=True)
        planted.write_text(f"#!/bin/sh\ntouch {ran}\n")
        planted.chmod(0o755)
    amending.edit("code", ".gitattributes", "*.py filter=evil\n")
    amending.edit("code", "README.md")
    amending.mend()
    amending.answer("code", "load", files=("src/app.py",))
    data = amending.collect(exit=1)
    assert violations(data) == [(f".git/{what}", "the wave", "coordinator")]
    assert (data["waveStatus"], amending.claims(), ran.exists()) == ("failed", [], False)
    # Nobody looked at the tree, so nothing is seen of the fix.
    assert fixes(data) == [(amending.ids["load"], "code", "unverifiable")]


def test_a_write_into_the_tree_of_an_agent_that_was_given_nothing_is_a_violation_of_the_wave(
    amending: Amending,
) -> None:
    amending.edit("api", "lib/api.py")
    data = amending.collect(exit=1)
    assert violations(data) == [("lib/api.py", "the wave", "api")]
    assert data["agents"][2]["status"] == "ownership_violation"


def test_an_agent_that_was_given_nothing_and_says_what_it_did_may_do_it(amending: Amending) -> None:
    amending.edit("api", "lib/api.py")
    amending.answer("api", files=("lib/api.py",))
    assert amending.collect()["waveStatus"] == "collected"


def test_a_write_into_the_tree_of_an_agent_at_work_is_reported_as_what_it_did_not_report(amending: Amending) -> None:
    amending.edit("tests", "tests/test_app.py")
    data = amending.collect()
    assert data["agents"][1]["divergence"] == {"missingFromReport": ["tests/test_app.py"], "extraInReport": []}


def test_a_tree_that_was_removed_is_a_violation(amending: Amending) -> None:
    shutil.rmtree(amending.tree("code"))
    amending.answer("code", "load")
    data = amending.collect(exit=1)
    agent = data["agents"][0]
    assert (agent["status"], [error["code"] for error in agent["errors"]]) == ("ownership_violation", ["WORKTREE_GONE"])
    assert fixes(data) == []


def test_an_isolated_agent_without_a_worktree_is_not_passed_unjudged(amending: Amending) -> None:
    with amending.behind() as conn:
        conn.execute("UPDATE agent_runs SET worktree_path = NULL, worktree_branch = NULL WHERE domain = 'code'")
    amending.answer("code", "load")
    agent = amending.collect(exit=1)["agents"][0]
    assert (agent["status"], [error["code"] for error in agent["errors"]]) == ("ownership_violation", ["WORKTREE_GONE"])


def test_files_that_git_ignores_are_listed_apart(amending: Amending) -> None:
    amending.edit("code", "src/.gitignore", "*.pyc\n")
    amending.edit("code", "src/app.pyc", "x")
    amending.answer("code", files=("src/.gitignore",))
    data = amending.collect()
    assert (data["agents"][0]["ignored"], data["agents"][0]["divergence"]) == (["src/app.pyc"], None)


def test_a_repository_in_the_tree_cannot_be_taken_and_the_text_says_so(amending: Amending) -> None:
    nested = amending.tree("code") / "src/nested"
    amending.repo.git("init", "-q", str(nested))
    amending.repo.git("commit", "-qm", "x", "--allow-empty", cwd=nested)
    amending.answer("code")
    for domain in ("tests", "api"):
        amending.answer(domain)
    lines = amending.swarm("collect", amending.run, exit=1).out.splitlines()
    assert "⊘ src/nested/ was touched by code; git cannot take it" in lines


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read_cannot_be_taken(amending: Amending) -> None:
    (amending.tree("code") / "src/app.py").chmod(0)
    assert violations(amending.collect(exit=1)) == [("src/app.py", "code", "cannot be taken")]


# --- what fixes come to -----------------------------------------------------------------------------------


def test_each_fix_that_cannot_be_taken_is_reported_with_its_reason(amending: Amending) -> None:
    amending.approve("port")
    ids = amending.ids
    amending.swarm("reject", amending.run, "--ids", ids["eval"], "--reason", "it is meant so")
    reports = [{"finding_id": ids["assert"].lower(), "reason": "it is right"}]
    named = {"load": ids["load"].lower(), "unknown": "F-00000000"}
    every = [named["load"], named["load"], named["unknown"], ids["eval"], ids["guide"], ids["port"]]
    amending.answer("code", fixes=[{"finding_id": item, "description": f"Of {item}."} for item in every])
    amending.answer("tests", skipped=reports)
    amending.mend()
    data = amending.collect()
    # The same finding is claimed once, in whatever case its id is written.
    assert fixes(data) == [(ids["load"], "code", "anchor")]
    assert skipped(data, unanswered=True) == [
        ("F-00000000", "code", "unknown_id"),
        (ids["eval"], "code", "already_closed"),
        (ids["guide"], "code", "not_approved"),
        (ids["port"], "code", "unowned"),
        (ids["assert"].lower(), "tests", "skipped_by_agent"),
    ]
    assert data["skippedFixes"][0]["told"] == "Of F-00000000."
    (result,) = amending.sql("SELECT result FROM waves WHERE number = 2")[0]
    assert json.loads(result)["dropped"] == ["F-00000000 of code: unknown_id", f"{ids['port']} of code: unowned"]


def test_a_finding_that_was_given_and_is_not_answered_is_dropped(amending: Amending) -> None:
    data = amending.collect()
    ids = amending.ids
    assert skipped(data, unanswered=True) == [
        (ids["load"], "code", "unanswered"),
        (ids["eval"], "code", "unanswered"),
        (ids["assert"], "tests", "unanswered"),
    ]
    (result,) = amending.sql("SELECT result FROM waves WHERE number = 2")[0]
    assert json.loads(result)["dropped"] == [
        f"{item} of {domain}: unanswered" for item, domain, _ in skipped(data, unanswered=True)
    ]


def test_a_finding_that_was_rejected_meanwhile_need_not_be_answered(amending: Amending) -> None:
    amending.swarm("reject", amending.run, "--ids", amending.ids["eval"], "--reason", "it is meant so")
    amending.answer("code", "load")
    amending.answer("tests", "assert")
    assert skipped(amending.collect(), unanswered=True) == []


def _nothing(text: str) -> str:
    return text


def _blanks(text: str) -> str:
    return text.replace(LINE, "def  load( path,seen = [] ) :")


def _moved(text: str) -> str:
    return f"# one\n# two\n{text}"


def _elsewhere(text: str) -> str:
    return f"{text.replace(LINE, 'def other(path):')}\n\n{LINE}\n    return path\n"


STILL = {
    "nothing was done": _nothing,
    "its white space alone is another": _blanks,
    "it is further down alone": _moved,
    "it stands elsewhere in the file": _elsewhere,
}


@pytest.mark.parametrize("how", STILL)
def test_a_fix_whose_line_still_stands_is_claimed_and_not_seen(amending: Amending, how: str) -> None:
    file = amending.tree("code") / "src/app.py"
    file.write_text(STILL[how](file.read_text()))
    amending.answer("code", "load")
    data = amending.collect()
    assert fixes(data) == [(amending.ids["load"], "code", "unverifiable")]
    words = ("it stands unchanged at src/app.py", "moved: the same code stands at src/app.py")
    assert data["fixes"][0]["evidence"].startswith(words)


@pytest.mark.parametrize("named", ["src/tool.py", "src/app.py", "../src/tool.py"])
def test_a_fix_in_another_file_is_not_seen_by_its_name(amending: Amending, named: str) -> None:
    amending.edit("code", "src/tool.py")
    fix = {"finding_id": amending.ids["load"], "description": "Mended there.", "file": named}
    amending.answer("code", fixes=[fix], files=("src/tool.py",))
    assert [verified for _, _, verified in fixes(amending.collect())] == ["unverifiable"]


def test_a_comment_that_would_reject_findings_is_reported_and_must_be_checked(amending: Amending) -> None:
    file = amending.tree("code") / "src/app.py"
    file.write_text(file.read_text().replace(LINE, f"{LINE}  # swarm: ignore bug meant so"))
    left = [{"finding_id": amending.ids["eval"], "reason": "not mine"}]
    amending.answer("code", "load", files=("src/app.py",), skipped=left)
    data = amending.collect()
    assert ("src/app.py:5", "code", "silenced") in skipped(data)
    found = next(fix for fix in data["skippedFixes"] if fix["reason"] == "silenced")
    assert "swarm: ignore bug meant so" in json.dumps(found)
    status = amending.swarm("status", amending.run, "--format", "json").data
    assert "dropped: src/app.py:5 of code: silenced and 1 more" in json.dumps(status)


def test_a_comment_that_was_there_before_is_no_agent_s(audited: Amending) -> None:
    source = (audited.repo.root / "src/app.py").read_text()
    audited.repo.commit({"src/app.py": source.replace("import os\n", "import os  # swarm: ignore bug meant so\n")})
    audited.approve("load")
    audited.dispatch("--isolate")
    file = audited.tree("code") / "src/app.py"
    file.write_text("# moved\n" + file.read_text().replace(LINE, MENDED))
    audited.answer("code", "load", files=("src/app.py",))
    assert [reason for _, _, reason in skipped(audited.collect())] == []


def test_a_finding_without_a_file_cannot_be_seen_fixed(audited: Amending) -> None:
    audited.approve("nowhere")
    audited.dispatch("--isolate")
    audited.answer("tests", "nowhere")
    data = audited.collect()
    assert fixes(data) == [(audited.ids["nowhere"], "tests", "unverifiable")]
    assert data["fixes"][0]["evidence"] == "there is no anchor, or its history is not here"


def test_who_owns_a_renamed_file_fixes_what_was_found_in_it(audited: Amending) -> None:
    audited.repo.git("mv", "src/app.py", "lib/app.py")
    audited.repo.commit()
    audited.approve("load")
    audited.dispatch("--isolate")
    file = audited.tree("api") / "lib/app.py"
    file.write_text(file.read_text().replace(LINE, MENDED))
    for domain in ("code", "api"):
        audited.answer(domain, "load", files=("lib/app.py",) if domain == "api" else ())
    data = audited.collect()
    ids = audited.ids
    assert (fixes(data), skipped(data)) == ([(ids["load"], "api", "anchor")], [(ids["load"], "code", "unowned")])


def test_an_amend_wave_makes_no_other_finding_unverified(amending: Amending) -> None:
    before = amending.sql("SELECT description, status, observation FROM findings ORDER BY id")
    amending.mend()
    amending.answer("code", "load", files=("src/app.py",))
    amending.collect()
    assert amending.sql("SELECT description, status, observation FROM findings ORDER BY id") == before


def test_a_later_audit_refutes_the_claim_that_it_sees_again_and_proves_the_one_that_was_removed(
    amending: Amending,
) -> None:
    amending.answer("code", "load", "eval")
    amending.collect()
    source = (amending.repo.root / "src/tool.py").read_text()
    amending.repo.commit({"src/tool.py": source.replace("eval('1')", "1")})
    amending.swarm("dispatch", amending.run, "health-audit-a", "--isolate")
    seen = {"file": "src/app.py", "line": 5, "quote": LINE, "symbol": "load", "description": "load"}
    amending.place.answer("code", seen, wave=3)
    for domain in ("tests", "api"):
        amending.place.answer(domain, wave=3)
    amending.swarm("collect", amending.run)
    assert amending.sql(
        "SELECT findings.description, outcome FROM fix_claims JOIN findings ON findings.id = finding ORDER BY 1"
    ) == [("eval", "fixed"), ("load", "refuted")]
    assert (amending.status("load"), amending.status("eval")) == ("approved", "fixed")


# --- outputs ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"domain": "tests"}, "$.domain: it says 'tests', and is the output of 'code'"),
        ({"fixes": None}, "does not fit its schema: $.fixes: None is not of type 'array'"),
        ({"files_changed": [1]}, "does not fit its schema: $.files_changed[0]: 1 is not of type 'string'"),
    ],
)
def test_an_output_that_is_none_of_this_agent_s_is_invalid_and_its_edits_are_judged(
    amending: Amending, body: dict[str, object], problem: str
) -> None:
    amending.mend()
    amending.answer("code", "load")
    file = amending.place.output("code", 2)
    file.write_text(json.dumps(json.loads(file.read_text()) | body))
    data = amending.collect(exit=1)
    agent = data["agents"][0]
    assert (agent["status"], agent["errors"][0]["code"]) == ("invalid_output", "AGENT_OUTPUT_SCHEMA_INVALID")
    assert agent["errors"][0]["message"].endswith(problem)
    assert (fixes(data), amending.claims()) == ([], [("code", "src/app.py", "edit", 1, 0, "code", 0)])


def test_an_audit_s_output_is_no_answer_to_an_amend_wave(amending: Amending) -> None:
    amending.place.answer("code", wave=2)
    data = amending.collect(exit=1)
    assert data["agents"][0]["status"] == "invalid_output"


def test_a_missing_output_fails_the_wave_and_the_others_are_taken(amending: Amending) -> None:
    amending.answer("tests", "assert")
    data = amending.swarm("collect", amending.run, "--format", "json", exit=1).data
    assert [agent["status"] for agent in data["agents"]] == ["failed", "complete", "complete"]
    assert (data["waveStatus"], len(fixes(data))) == ("failed", 1)
    assert data["nextAction"] == f"swarm resume {amending.run}"


def test_claims_that_cannot_be_written_leave_the_evidence_and_are_taken_from_it_later(
    amending: Amending, refused_rows: RefusedRows
) -> None:
    amending.mend()
    amending.answer("code", "load", files=("src/app.py",))
    amending.answer("tests")
    lift = refused_rows("INSERT ON fix_claims", "no room for it")
    answer = amending.swarm("collect", amending.run, exit=1)
    assert answer.code == "COLLECT_UPSERT_FAILED"
    assert "upsertFindings failed for wave=2 (1 findings attempted): no room for it" in answer.err
    assert amending.sql("SELECT status FROM waves WHERE number = 2") == [("dispatched",)]
    assert amending.claims() == [("code", "src/app.py", "edit", 1, 1, "code", 0)]
    lift()
    for domain in AGENTS:
        amending.place.output(domain, 2).unlink()
    data = amending.swarm("collect", amending.run, "--format", "json").data
    assert (data["waveStatus"], fixes(data)) == ("collected", [(amending.ids["load"], "code", "anchor")])


# --- without trees of their own ---------------------------------------------------------------------------


def test_in_the_shared_checkout_an_edit_is_its_one_owner_s_and_the_report_is_held_to_the_map(
    audited: Amending,
) -> None:
    audited.approve("load", "assert")
    audited.dispatch()
    source = (audited.repo.root / "src/app.py").read_text()
    audited.repo.write({"src/app.py": source.replace(LINE, MENDED), "lib/api.py": "x = 1\n", "README.md": "# x\n"})
    audited.answer("code", "load", files=("src/app.py",))
    audited.answer("tests", files=("README.md",))
    answer = audited.swarm("collect", audited.run, "--format", "json", exit=1)
    data = answer.data
    assert data["ownershipProbeDegraded"] is True
    assert [event for event in answer.events if event["stage"] == "ownership_probe_degraded"] != []
    assert violations(data) == [("README.md", "tests", "unassigned")]
    assert fixes(data) == [(audited.ids["load"], "code", "anchor")]
    assert audited.claims() == [
        ("code", "src/app.py", "edit", 1, 1, "code", 0),
        ("tests", "README.md", "edit", 0, 1, None, 1),
        ("api", "lib/api.py", "edit", 1, 0, "api", 0),
    ]
    assert data["agents"][0]["ignored"] == []


def test_in_the_shared_checkout_a_wave_that_goes_well_leads_to_verify(audited: Amending) -> None:
    audited.approve("load")
    audited.dispatch()
    audited.answer("code")
    data = audited.collect()
    assert (data["waveStatus"], data["nextAction"]) == ("collected", f"swarm verify {audited.run}")
    assert not tree_of(audited.place, "code", 2).exists()


# --- files that steer the proof ---------------------------------------------------------------------------


def test_an_agent_s_own_file_that_steers_the_proof_needs_a_lease_which_the_answer_names(amending: Amending) -> None:
    amending.edit("tests", "tests/conftest.py", "collect_ignore = ['test_app.py']\n")
    amending.edit("code", "docs/package.json", "{}\n")
    data = amending.collect(exit=1)
    grant = f"`swarm lease grant {amending.run} --domain"
    assert data["violations"] == [
        {
            "file": file,
            "agentDomain": domain,
            "actualOwner": "steers the proof",
            "detail": f"where the edit is wanted: {grant} {domain} --file {file} --reason '…'`, then `swarm resume`",
        }
        for domain, file in (("code", "docs/package.json"), ("tests", "tests/conftest.py"))
    ]


def test_a_leased_file_that_steers_the_proof_is_its_owner_s_to_edit(amending: Amending) -> None:
    amending.edit("tests", "tests/conftest.py", "# fixtures\n")
    lease = ("--domain", "tests", "--file", "tests/conftest.py", "--reason", "A fixture")
    amending.swarm("lease", "grant", amending.run, *lease)
    assert amending.collect()["violations"] == []
