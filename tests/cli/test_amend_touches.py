"""Files that an agent of an amend wave touched, as git shows them, and whether it may."""

import os
import shutil

import pytest

from tests.cli.scenes.amend_wave import Amending, fixes, violations
from tests.cli.scenes.snapshots import nothing_changes
from tests.sweeping import swept

# --- who touched what ------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    "how", swept(["a rename into it", "a rename out of it", "a commit taken back", "the report alone"])
)
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


# --- outside of its tree ---------------------------------------------------------------------------------


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


# --- files that steer the proof --------------------------------------------------------------------------


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
