"""Sparse worktrees on workers: the files of the worktree here and no others, and work as of a whole worktree."""

import json
import sys
from pathlib import Path

import pytest

from swarm.waves.hosts import orders
from tests.cli.scenes.amend_wave import LINE, MENDED, Amending
from tests.cli.scenes.hosts import ORDERED, Hosts
from tests.cli.test_sparse import PAGES, files_in
from tests.conftest import Swarm

AGENT = """
import json, os, pathlib, sys
tree, domain, edits = pathlib.Path(os.environ["SWARM_WORKTREE"]), os.environ["SWARM_DOMAIN"], json.loads(sys.argv[2])
seen = sorted(str(file.relative_to(tree)) for file in tree.rglob("*") if file.is_file())
with open(sys.argv[1], "a") as log:
    log.write(json.dumps([domain, [file for file in seen if file not in (".git", ".swarm/.gitignore")]]) + "\\n")
for path, text in edits.items() if domain == "code" else ():
    (tree / path).parent.mkdir(parents=True, exist_ok=True)
    (tree / path).write_text(text)
body = {"domain": domain, "summary": "Done.", "files_changed": []} | ({"fixes": []} if sys.argv[3] == "amend" else
       {"stage": "A", "findings": []})
pathlib.Path(os.environ["SWARM_OUTPUT_FILE"]).write_text(json.dumps(body))
"""
# A worker of a swarm that knew nothing of sparse worktrees: its schema refuses what it does not know.
OLDER = """
from swarm.engine import messages
check = messages.check
messages.check = lambda document, name: "$: it has files" if "files" in document else check(document, name)
"""


class Sparse:
    """A sparse wave in flight, an engine, and agents of a worker that note the files that they see."""

    def __init__(self, audited: Amending, swarm: Swarm, folder: Path, *dispatch: str) -> None:
        audited.repo.commit(PAGES)
        audited.approve("load", "eval", "assert")
        audited.dispatch("--isolate", *dispatch)
        folder.mkdir()
        self.amending = audited
        self.hosts = Hosts(audited, swarm, folder)
        self.plays()

    def plays(self, edits: dict[str, str] | None = None) -> None:
        """Let the agent of `code` write some files on the workers."""
        (self.hosts.folder / "agent.py").write_text(AGENT)
        words = [sys.executable, str(self.hosts.folder / "agent.py"), str(self.hosts.log), json.dumps(edits or {})]
        text = f'[runtimes.played]\nkind = "command"\nargv = {json.dumps([*words, "amend"])}\n'
        (self.hosts.folder / "swarm.toml").write_text(text)

    def seen(self) -> dict[str, set[str]]:
        """Return the files that each agent of a worker found in its worktree."""
        return {domain: set(files) for domain, files in map(json.loads, self.hosts.log.read_text().splitlines())}

    def here(self) -> dict[str, set[str]]:
        """Return the files of the worktrees of this machine."""
        return {domain: files_in(self.amending.tree(domain)) for domain in ORDERED}

    def launch(self, exit: int = 0) -> None:  # noqa: A002
        with self.hosts.worker(len(ORDERED)) as process:
            self.hosts.launch(exit=exit)
            assert process.wait(60) == 0


@pytest.fixture
def sparse(audited: Amending, swarm: Swarm, engine: Path, tmp_path: Path) -> Sparse:
    del engine
    return Sparse(audited, swarm, tmp_path / "elsewhere", "--sparse")


def test_a_worker_checks_out_the_files_of_the_worktree_here_and_its_work_leaves_all_others_alone(
    sparse: Sparse,
) -> None:
    here, amending = sparse.here(), sparse.amending
    assert here["code"] == {"src/app.py", "src/tool.py"}
    before = (amending.tree("code") / "src/app.py").read_text()
    sparse.plays({"src/app.py": before.replace(LINE, MENDED), "src/new.py": "new = 1\n"})
    sparse.launch()
    assert sparse.seen() == here
    assert amending.collect()["violations"] == []
    assert [claim[1:3] for claim in amending.claims()] == [("src/app.py", "edit"), ("src/new.py", "create")]
    changed = amending.repo.git("diff", "--name-only", amending.repo.head, amending.branch("code"))
    assert changed.split() == ["src/app.py", "src/new.py"]
    # Here too the tree has its own files alone.
    assert files_in(amending.tree("code")) == {*here["code"], "src/new.py"}


def test_what_an_agent_of_a_worker_puts_where_files_were_left_out_counts(sparse: Sparse) -> None:
    same = PAGES["docs/page1.md"]
    sparse.plays({"lib/api.py": "theirs\n", "docs/page1.md": same, "docs/new.md": "new\n", ".github": "no folder\n"})
    sparse.launch()
    found = sparse.amending.collect(exit=1)["violations"]
    assert sorted(violation["file"] for violation in found) == [".github", ".github/ci.yml", "lib/api.py"]
    claimed = {claim[1] for claim in sparse.amending.claims()}
    assert claimed == {".github", ".github/ci.yml", "lib/api.py", "docs/new.md"}


def test_orders_of_whole_worktrees_are_those_that_older_workers_know(
    audited: Amending, swarm: Swarm, engine: Path, tmp_path: Path
) -> None:
    whole = Sparse(audited, swarm, tmp_path / "elsewhere")
    with whole.hosts.worker(len(ORDERED), patch=OLDER) as process:
        whole.hosts.launch()
        assert process.wait(60) == 0
    assert whole.seen() == whole.here()


def test_an_older_worker_refuses_the_order_of_a_sparse_worktree_and_its_attempt_ends_once(sparse: Sparse) -> None:
    sparse.hosts.engines('lease_seconds = 4\n[launch]\nattempts = 1\non = "team"\n')
    with sparse.hosts.worker(len(ORDERED), patch=OLDER) as process:
        sparse.hosts.swarm("launch", sparse.amending.run, "--runtime", "played", exit=3)
        assert process.wait(60) == 0
    assert sparse.hosts.outcomes() == {domain: [("killed", "WORKER_LOST")] for domain in ORDERED}
    assert not sparse.hosts.log.exists()
    assert sparse.hosts.swarm("engine", "status", "--json").data["orders"] == 0


def test_a_list_of_files_that_is_too_long_or_lost_gives_agents_all_files(
    sparse: Sparse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("swarm.rules.file_marks.LONGEST_MARKS", 4)
    (sparse.amending.place.folder / sparse.amending.run / "wave-2/trees/w2-tests.index").unlink()
    sparse.launch()
    listed = sparse.amending.repo.git("ls-files").splitlines()
    assert sparse.seen() == {domain: set(listed) for domain in ORDERED}


def test_marks_that_do_not_fit_the_commit_start_nothing(sparse: Sparse, monkeypatch: pytest.MonkeyPatch) -> None:
    marks = orders.marks_of(["of", "another", "commit"], {"of"})
    monkeypatch.setattr(orders, "marks_of", lambda *_: marks)
    sparse.launch(exit=1)
    assert sparse.hosts.outcomes() == {domain: [("not_started", "BASE_CORRUPT")] for domain in ORDERED}
    assert not sparse.hosts.log.exists()
