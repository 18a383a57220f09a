"""`swarm merge` of agents that go on after they were judged, or that attack the repository."""

import shutil
from pathlib import Path

import pytest

from swarm.git import history
from swarm.git.repository import repository_at
from swarm.git.runner import Git
from tests.cli.scenes.merge_team import MENDED, RETITLED, STEP, Team
from tests.cli.scenes.merged import first_parents, lasting, states, tips, tree_of
from tests.conftest import SOURCE, Swarm

# --- agents that go on, or that attack -------------------------------------------------------------------


def test_what_an_agent_edits_after_it_was_judged_is_not_merged_and_not_lost(team: Team, amended: Team) -> None:
    team.edit("code", {"src/app.py": "# later\n", "README.md": "# Not mine\n"})
    team.merge()
    assert tree_of(team, team.integration) == SOURCE | {"src/app.py": MENDED, "README.md": RETITLED}
    assert (team.tree("code") / "src/app.py").read_text() == "# later\n"
    assert (team.tree("code") / "README.md").read_text() == "# Not mine\n"


@pytest.mark.parametrize("domain", ["code", "rest"])
def test_what_an_agent_commits_after_it_was_judged_is_not_merged_and_not_lost(
    team: Team, amended: Team, domain: str
) -> None:
    team.edit(domain, {"src/tool.py": "# later\n", "web/index.html": "<p>later</p>\n"}, commit=True)
    later = tips(team.repo)[team.branch(domain)]
    team.merge()
    assert tree_of(team, team.integration) == SOURCE | {"src/app.py": MENDED, "README.md": RETITLED}
    assert history.is_ancestor(_git(team), later, team.branch(domain))
    assert (team.tree(domain) / "src/tool.py").read_text() == "# later\n"


def test_an_agent_s_own_commits_reach_no_target_and_foreign_edits_in_them_are_named(team: Team) -> None:
    team.dispatch()
    files = {
        "README.md": "# Stolen\n",
        ".github/workflows/x.yml": "on: push\n",
        "big.bin": "blob\n",
        ".gitmodules": "\n",
    }
    team.edit("code", files, commit=True)
    blob = team.repo.git("rev-parse", f"{team.branch('code')}:big.bin")
    team.edit("code", {**dict.fromkeys(files), "README.md": SOURCE["README.md"]}, commit=True)
    team.edit("code", {"src/app.py": MENDED}, commit=True)
    team.answer("code")
    team.answer("rest")
    own = team.repo.git("rev-parse", team.branch("code"))
    (note,) = team.swarm("collect", team.run, "--format", "json").data["notes"]
    assert note == (
        "code edited and restored in its own commits, which no merge takes:"
        " .github/workflows/x.yml, .gitmodules, README.md, big.bin"
    )
    team.merge("--publish")
    authors = team.repo.git("log", "--format=%an <%ae>|%cn|%(trailers:key=Swarm-Domain,valueonly,separator=%x2C)", "-3")
    assert authors.splitlines()[:2] == ["swarm <swarm@localhost>|swarm|code"] * 2
    assert team.repo.git("log", "--format=", "--name-only", "main", "--", "README.md", "big.bin").split() == [
        "README.md"
    ]
    assert blob not in team.repo.git("rev-list", "--objects", "main")
    # The commits are kept, so that `clean` may remove the branch.
    assert team.repo.git("rev-parse", f"refs/swarm/own-commits/{team.run}/w2-code") == own


def test_work_that_was_committed_is_merged_without_what_was_committed_on_top(team: Team, amended: Team) -> None:
    own = tips(team.repo)[team.branch("rest")]
    team.edit("rest", {"web/index.html": "<p>later</p>\n"}, commit=True)
    later = tips(team.repo)[team.branch("rest")]
    answer = team.merge()
    assert tree_of(team, answer.data["domains"][1]["commit"]) == tree_of(team, own)
    assert tips(team.repo)[team.branch("rest")] == later
    assert not history.is_ancestor(_git(team), later, team.integration)


def test_commits_after_a_merge_are_no_new_work(team: Team, amended: Team) -> None:
    team.merge()
    for domain in ("code", "rest"):
        team.edit(domain, {"src/tool.py": "# later\n"}, commit=True)
    refs = tips(team.repo)
    assert team.merge().data["summary"] == "Nothing to merge: everything is merged already."
    assert tips(team.repo) == refs


def _git(team: Team) -> Git:
    return repository_at(team.repo.root).git


def test_a_branch_that_was_rewritten_is_left_alone_and_the_judged_work_is_merged(team: Team, amended: Team) -> None:
    orphan = team.repo.git("commit-tree", "-m", "orphan", "HEAD^{tree}")
    team.repo.git("update-ref", f"refs/heads/{team.branch('code')}", orphan)
    team.repo.git("update-ref", "-d", f"refs/heads/{team.branch('rest')}")
    team.merge()
    assert tree_of(team, team.integration) == SOURCE | {"src/app.py": MENDED, "README.md": RETITLED}
    assert tips(team.repo)[team.branch("code")] == orphan


def test_a_tree_that_was_removed_has_been_judged_all_the_same(team: Team, amended: Team) -> None:
    shutil.rmtree(team.tree("code"))
    team.merge()
    assert tree_of(team, team.integration) == SOURCE | {"src/app.py": MENDED, "README.md": RETITLED}


def test_a_history_that_takes_in_a_sibling_s_work_cannot_undo_it(team: Team) -> None:
    """`rest` merges the branch of `code` and keeps none of it: to git, `rest` has decided against that work."""
    team.dispatch()
    team.edit("code", {"src/app.py": MENDED}, commit=True)
    team.edit("rest", {"README.md": RETITLED}, commit=True)
    team.repo.git("merge", "-q", "-s", "ours", "--no-edit", team.branch("code"), cwd=team.tree("rest"))
    team.collect()
    assert states(team.merge()) == {"code": "merged", "rest": "merged"}
    assert tree_of(team, team.integration) == SOURCE | {"src/app.py": MENDED, "README.md": RETITLED}


def test_a_history_that_takes_in_the_target_s_later_commits_cannot_undo_them(team: Team) -> None:
    team.dispatch()
    later = team.repo.commit({"web/index.html": "<p>more</p>\n"})
    tree = team.tree("code")
    team.repo.git("reset", "-q", "--hard", later, cwd=tree)
    team.edit("code", {"web/index.html": SOURCE["web/index.html"], "src/app.py": MENDED}, commit=True)
    team.collect()
    team.merge()
    after = SOURCE | {"src/app.py": MENDED, "web/index.html": "<p>more</p>\n"}
    assert tree_of(team, team.integration) == after


def test_no_driver_filter_or_hook_that_an_agent_plants_is_run(team: Team, amended: Team, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    git = team.repo.git
    # Both sides change one file, so that git has to merge its content.
    team.repo.commit({"src/app.py": SOURCE["src/app.py"] + "\n\nLATER = 1\n"})
    for kind in ("merge.evil.driver", "filter.evil.clean", "filter.evil.smudge", "diff.evil.command"):
        git("config", kind, f"touch {ran}; cat")
    git("config", "core.fsmonitor", f"touch {ran}")
    git("config", "gpg.program", f"touch {ran}")
    git("config", "log.showSignature", "true")
    git("config", "commit.gpgSign", "true")
    git("config", "merge.default", "evil")
    (team.repo.root / ".git/info/attributes").write_text("* merge=evil filter=evil diff=evil\n")
    for name in ("post-checkout", "reference-transaction", "post-merge", "post-index-change", "pre-commit"):
        hook = team.repo.root / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {ran}\n")
        hook.chmod(0o755)
    team.merge()
    assert not ran.exists()
    assert team.file_at(team.integration, "src/app.py").endswith("LATER = 1")
    assert "seen=None" in team.file_at(team.integration, "src/app.py")


def test_attributes_in_an_agent_s_work_change_no_merge(team: Team) -> None:
    team.dispatch()
    team.edit("code", {"src/app.py": MENDED})
    team.edit("rest", {".gitattributes": "* -text merge=union\nsrc/* merge=ours\n"})
    team.collect()
    team.repo.commit({"src/app.py": SOURCE["src/app.py"] + "\n\nLATER = 1\n"})
    team.merge()
    assert team.file_at(team.integration, "src/app.py").endswith("LATER = 1")


@pytest.mark.parametrize("where", ["primary", "sibling", "elsewhere"])
def test_a_git_file_that_leads_elsewhere_lets_no_other_index_be_written(
    team: Team, amended: Team, tmp_path: Path, where: str
) -> None:
    git_file = team.tree("code") / ".git"
    victim = {
        "primary": team.repo.root / ".git",
        "sibling": Path((team.tree("rest") / ".git").read_text().removeprefix("gitdir: ").strip()),
        "elsewhere": tmp_path / "other" / ".git",
    }[where]
    if where == "elsewhere":
        team.repo.git("clone", "-q", str(team.repo.root), str(tmp_path / "other"))
    git_file.write_text(f"gitdir: {victim}\n")
    before = (victim / "index").read_bytes()
    team.merge()
    assert (victim / "index").read_bytes() == before


def test_a_graft_or_a_replacement_bends_no_history(team: Team, amended: Team) -> None:
    head = team.repo.head
    other = team.repo.git("commit-tree", "-m", "other", f"{team.branch('rest')}^{{tree}}")
    (team.repo.root / ".git/info/grafts").write_text(f"{head} {other}\n")
    team.repo.git("update-ref", f"refs/replace/{head}", other)
    team.merge()
    team.repo.git("update-ref", "-d", f"refs/replace/{head}")
    assert tree_of(team, team.integration) == SOURCE | {"src/app.py": MENDED, "README.md": RETITLED}


# --- what becomes of the findings ------------------------------------------------------------------------


def poisoned(team: Team, parent: str) -> str:
    """Put a commit that no agent was judged by, on top of another, where the run's waves come together."""
    head = team.repo.head
    tree = team.repo.commit({"web/index.html": "<p>evil</p>\n"}) + "^{tree}"
    team.repo.git("reset", "-q", "--hard", head)
    evil = team.repo.git("commit-tree", "-m", "Catch up with the target", "-p", parent, tree)
    team.repo.git("update-ref", f"refs/heads/{team.integration}", evil)
    return evil


def assert_refused(team: Team, evil: str) -> None:
    state, main = lasting(team), tips(team.repo)["main"]
    for words in (("merge",), ("merge", "--publish"), ("verify",)):
        error = team.swarm(*words, "--format", "json", exit=1).document["error"]
        assert (error["code"], error["found"]) == ("INTEGRATION_MOVED", evil)
    assert (lasting(team), tips(team.repo)["main"], tips(team.repo)[team.integration]) == (state, main, evil)


def test_an_integration_branch_that_an_agent_makes_is_never_published(team: Team) -> None:
    team.dispatch()
    team.edit("code", {"src/app.py": MENDED})
    evil = poisoned(team, "HEAD")
    team.collect(code=(team.ids()["def load"],))
    assert_refused(team, evil)
    hint = team.merge(exit=1).document["error"]["hint"]
    team.repo.git("update-ref", "-d", f"refs/heads/{team.integration}")
    assert f"`git update-ref -d refs/heads/{team.integration}`" in hint
    team.merge("--publish")
    assert tree_of(team, "main") == SOURCE | {"src/app.py": MENDED}


def test_an_integration_branch_that_is_moved_after_it_was_verified_is_never_published(
    team: Team, amended: Team
) -> None:
    team.merge()
    team.swarm("verify")
    left = tips(team.repo)[team.integration]
    assert_refused(team, poisoned(team, left))
    hint = team.merge(exit=1).document["error"]["hint"]
    assert f"`git update-ref refs/heads/{team.integration} {left}`" in hint
    team.repo.git("update-ref", f"refs/heads/{team.integration}", left)
    team.merge("--publish")
    assert tree_of(team, "main") == SOURCE | {"src/app.py": MENDED, "README.md": RETITLED}


def test_the_agents_work_merged_by_hand_on_top_of_another_s_commit_is_not_taken_for_ours(
    team: Team, amended: Team, swarm_process: Swarm
) -> None:
    """The chain of merges is rebuilt exactly; what it stands on is nobody's."""
    evil = poisoned(team, "HEAD")
    team.repo.git("branch", "evil", evil)
    team.repo.git("update-ref", "-d", f"refs/heads/{team.integration}")
    swarm_process("merge", team.run, "--target", "evil", exit=-9, SWARM_FAILPOINT="commit.before:3")
    chain = tips(team.repo)[team.integration]
    assert first_parents(team, chain, "%H")[1] == evil
    assert_refused(team, chain)


def test_judged_work_outlives_a_garbage_collection(team: Team, amended: Team) -> None:
    team.edit("code", {"src/app.py": "# something else\n"})
    team.repo.git("gc", "-q", "--prune=now")
    team.merge()
    assert tree_of(team, team.integration) == SOURCE | {"src/app.py": MENDED, "README.md": RETITLED}


def test_a_history_with_a_sibling_s_work_in_it_brings_in_nothing_of_it(team: Team) -> None:
    team.dispatch()
    team.edit("code", {"src/app.py": MENDED}, commit=True)
    team.edit("rest", {"README.md": RETITLED}, commit=True)
    team.repo.git("merge", "-q", "-s", "ours", "--no-edit", team.branch("code"), cwd=team.tree("rest"))
    team.collect()
    assert states(team.merge("--drop", "code")) == {"code": "dropped", "rest": "merged"}
    assert states(team.merge("--publish")) == {"code": "merged", "rest": "already"}
    assert tree_of(team, "main") == SOURCE | {"src/app.py": MENDED, "README.md": RETITLED}


def test_how_swarm_proves_the_work_is_no_agent_s_to_edit(team: Team) -> None:
    team.dispatch()
    team.edit("rest", {"swarm.toml": '[[verify.steps]]\nname = "x"\nkind = "test"\nargv = ["true"]\n'})
    team.repo.git("add", "-f", "swarm.toml", cwd=team.tree("rest"))
    team.repo.git("commit", "-qm", "easier", cwd=team.tree("rest"))
    for domain in ("code", "rest"):
        team.answer(domain)
    found = team.swarm("collect", team.run, "--format", "json", exit=1).data["violations"]
    assert [(item["file"], item["agentDomain"]) for item in found] == [("swarm.toml", "rest")]


def test_a_sparse_checkout_that_an_agent_asks_for_hides_nothing_from_the_proof(team: Team, amended: Team) -> None:
    file = team.repo.root / ".git/info/sparse-checkout"
    file.parent.mkdir(exist_ok=True)
    file.write_text("/src/\n")
    team.repo.git("config", "core.sparseCheckout", "true")
    team.prove_with(STEP.replace("! grep", "test -f README.md && ! grep"))
    team.merge("--publish")
    assert (team.repo.root / "README.md").read_text() == RETITLED
    assert (team.repo.root / "web/index.html").is_file()


def test_collected_work_of_others_is_not_merged(
    swarm: Swarm, amended: Team, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = amended.repo.git("for-each-ref")
    monkeypatch.delenv("SWARM_TRUST")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "of-another"))
    for words in (("merge",), ("merge", "--publish"), ("fix",)):
        assert swarm(*words, exit=2).code == "WAVE_FROM_ELSEWHERE"
    assert amended.repo.git("for-each-ref") == before
    assert swarm("status", "--format", "json").data["assessment"]["state"] == "BLOCKED"
    swarm("trust", "--wave", amended.run)
    monkeypatch.setenv("SWARM_TRUST", "1")
    amended.merge()
