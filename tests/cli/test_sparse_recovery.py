"""Sparse trees stay sparse, with the same files, through `resume`, `redrive`, `clean`, `rewind` and `undo`."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.scenes.amend_wave import Amending
from tests.cli.scenes.failed_wave import FOUND, Wave
from tests.cli.scenes.merge_team import MENDED, STEP, Team
from tests.cli.scenes.snapshots import nothing_changes
from tests.cli.test_clean import clean
from tests.cli.test_rewind import published, rewind
from tests.cli.test_sparse import OWN, PAGES, PHASE, files_in
from tests.cli.test_undo import undo
from tests.conftest import Repo, Swarm, Workspace

pytestmark = pytest.mark.sweep

WHY = ("--apply", "--reason", "once more")


def found_in(wave: Wave, name: str) -> set[str]:
    return files_in(wave.tree(name))


@pytest.fixture
def failed(swarm: Swarm, repo: Repo, workspace: Workspace) -> Wave:
    """A sparse wave that failed: `code` holds its own two files and gave no output, `rest` is whole and complete."""
    repo.commit(PAGES)
    swarm("dispatch", PHASE, "--isolate", "--sparse")
    workspace.answer("rest")
    swarm("collect", exit=1)
    wave = Wave(swarm, repo, workspace)
    assert (found_in(wave, "w1-code"), "docs/page1.md" in found_in(wave, "w1-rest")) == (OWN, True)
    return wave


def work_in_it(wave: Wave) -> None:
    (wave.tree("w1-code") / "src/app.py").write_text("half a thought\n")


def gone(wave: Wave) -> None:
    wave.repo.git("worktree", "remove", "--force", str(wave.tree("w1-code")))


def gone_with_its_index(wave: Wave) -> None:
    """Nobody but the other tree's index tells that the wave is sparse."""
    gone(wave)
    folder = wave.place.folder / wave.place.run / "wave-1/trees"
    (folder / "w1-code.index").rename(folder / "w1-rest.index")
    (text,) = wave.sql("SELECT sentinel FROM waves")[0]
    kept = json.loads(text)
    kept["indexes"]["w1-rest"] = kept["indexes"]["w1-code"]
    with sqlite3.connect(wave.place.db) as conn:
        conn.execute("UPDATE waves SET sentinel = ?", (json.dumps(kept),))
    conn.close()


@pytest.mark.parametrize("words", [("resume",), ("redrive", "1")], ids=" ".join)
@pytest.mark.parametrize("how", [work_in_it, gone, gone_with_its_index])
def test_a_tree_in_place_of_a_sparse_one_has_the_same_files(
    failed: Wave, words: tuple[str, ...], how: Callable[[Wave], None]
) -> None:
    how(failed)
    before = failed.tree("w1-code").exists() and files_in(failed.tree("w1-code"))
    data = failed.do(*words, *WHY)
    (again,) = data["redispatched"]
    assert (Path(again["worktreePath"]).name, again["reused"]) == ("w1-code.2", False)
    assert found_in(failed, "w1-code.2") == OWN
    assert failed.repo.git("status", "--porcelain", cwd=failed.tree("w1-code.2")) == ""
    assert "2 files are checked out" in Path(again["promptPath"]).read_text()
    assert (failed.tree("w1-code").exists() and files_in(failed.tree("w1-code"))) == before
    failed.answer("code", FOUND)
    assert failed.do("collect")["waveStatus"] == "collected"


def test_a_tree_in_place_of_a_whole_one_is_whole(swarm: Swarm, repo: Repo, dispatched: Workspace) -> None:
    dispatched.answer("rest")
    swarm("collect", exit=1)
    wave = Wave(swarm, repo, dispatched)
    work_in_it(wave)
    wave.do("resume", *WHY)
    assert found_in(wave, "w1-code.2") == set(repo.git("ls-files").splitlines())


def test_a_file_that_was_leased_meanwhile_is_in_the_next_sparse_tree(audited: Amending) -> None:
    audited.repo.commit({f"docs/page{number}.md": f"# Page {number}\n" for number in range(30)})
    audited.approve("load")
    audited.dispatch("--isolate", "--sparse")
    for domain in ("tests", "api"):
        audited.answer(domain)
    audited.swarm("collect", audited.run, exit=1)
    tree = audited.tree("code")
    assert not (tree / "lib/api.py").exists()
    words = ("--domain", "code", "--file", "lib/api.py", "--reason", "it calls it")
    audited.swarm("lease", "grant", audited.run, *words)
    data = audited.swarm("resume", audited.run, *WHY, "--format", "json").data
    again = Path(data["redispatched"][0]["worktreePath"])
    assert again.name == "w2-code.2"
    assert files_in(again) == files_in(tree) | {"lib/api.py"}


@pytest.fixture
def sparse(team: Team) -> Team:
    """A merged amend wave with sparse trees: `code` has mended its file, and noted something on top."""
    team.repo.commit(PAGES)
    team.swarm("dispatch", team.run, "health-amend-a", "--isolate", "--sparse")
    team.edit("code", {"src/app.py": MENDED})
    team.collect(code=(team.ids()["def load"],))
    team.merge()
    team.edit("code", {"notes.txt": "mine\n"})
    return team


def test_an_undo_of_a_clean_restores_a_sparse_tree_with_its_files_and_what_was_done_in_it(sparse: Team) -> None:
    tree = sparse.tree("code")
    before = {path: (tree / path).read_bytes() for path in files_in(tree)}
    assert set(before) == OWN | {"notes.txt"}
    whole = files_in(sparse.tree("rest"))
    clean(sparse, "--force", *WHY)
    assert not tree.exists()
    undo(sparse, *WHY)
    assert {path: (tree / path).read_bytes() for path in files_in(tree)} == before
    assert files_in(sparse.tree("rest")) == whole
    assert sparse.repo.git("status", "--porcelain", cwd=tree) == ""


def test_a_tree_whose_first_files_nobody_knows_any_more_comes_back_whole(sparse: Team) -> None:
    clean(sparse, "--force", *WHY)
    (sparse.place.folder / sparse.run / "wave-2/trees/w2-code.index").unlink()
    undo(sparse, *WHY)
    assert files_in(sparse.tree("code")) >= set(PAGES)


class Checkout:
    """The user's own sparse checkout of two files, in a repository whose wave changed others as well."""

    SEEN = ("src/app.py", "src/tool.py")

    def __init__(self, team: Team) -> None:
        self.team = team
        # The times of a copied repository's files are not those of its index.
        team.repo.git("status")
        team.repo.git("sparse-checkout", "set", "--no-cone", "/src/")

    def files(self) -> dict[str, Any]:
        root = self.team.repo.root
        return {
            name: (root / name).read_text()
            for name in sorted(files_in(root))
            if not name.startswith((".git/", "swarms/", "swarm.toml"))
        }


@pytest.fixture
def checkout(team: Team, amended: Team) -> Checkout:
    team.prove_with(STEP)
    return Checkout(team)


def test_a_rewind_and_its_undo_do_not_fill_up_a_sparse_checkout(checkout: Checkout) -> None:
    team = checkout.team
    head = published(team)
    ahead = checkout.files()
    assert set(ahead) == set(Checkout.SEEN)
    rewind(team, *WHY)
    assert (set(checkout.files()), team.repo.git("status", "--porcelain")) == (set(Checkout.SEEN), "")
    assert checkout.files() != ahead
    undo(team, *WHY)
    assert (team.repo.head, checkout.files(), team.repo.git("status", "--porcelain")) == (head, ahead, "")


def test_what_a_sparse_checkout_lacks_is_no_work_of_the_user_s(checkout: Checkout) -> None:
    team = checkout.team
    published(team)
    team.repo.write({"src/tool.py": "# mine\n"})
    team.repo.git("add", "src/tool.py")
    with nothing_changes(team.repo.root):
        assert rewind(team, exit=1).document["error"]["files"] == "src/tool.py"
    rewind(team, "--force", *WHY)
    assert (set(checkout.files()), team.repo.git("status", "--porcelain")) == (set(Checkout.SEEN), "")
    saved = f"refs/swarm/salvage/{team.run}/rewind"
    assert team.repo.git("diff", "--name-only", f"{saved}^", saved) == "src/tool.py"
