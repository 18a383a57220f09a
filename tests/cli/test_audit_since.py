"""`swarm audit --since`: branches that are behind, and lines of notebooks."""

import json

from tests.conftest import Repo, Swarm

BAD = "def a(seen=[]):\n    return seen\n"
GOOD = "def a(seen=None):\n    return seen\n"


def audited(swarm: Swarm, since: str, exit_code: int) -> list[tuple[str, str, int, str]]:
    digest = swarm("audit", ".", "--since", since, "--format", "json", exit=exit_code).data["digest"]
    return [(one["ruleId"], one["file"], one["line"], one["quote"]) for one in digest["findings"]]


def test_a_branch_that_is_behind_is_not_asked_about_what_the_other_side_fixed(swarm: Swarm, repo: Repo) -> None:
    repo.commit({"old.py": BAD})
    repo.git("checkout", "-q", "-b", "feature")
    repo.commit({"new.py": "y = 1\n"})
    repo.git("checkout", "-q", "main")
    repo.commit({"old.py": GOOD})
    repo.git("checkout", "-q", "feature")
    assert audited(swarm, "main", 0) == []
    repo.commit({"new.py": BAD})
    assert audited(swarm, "main", 1) == [("B006", "new.py", 1, "def a(seen=[]):")]


def test_a_clone_without_the_commit_in_common_is_no_ground_for_a_comparison(swarm: Swarm, repo: Repo) -> None:
    repo.git("checkout", "-q", "-b", "feature")
    repo.commit({"new.py": BAD})
    repo.git("checkout", "-q", "main")
    repo.commit({"other.py": GOOD})
    repo.git("checkout", "-q", "feature")
    # As `git fetch --depth 1` of both branches leaves the clone.
    (repo.root / ".git/shallow").write_text("".join(f"{repo.git('rev-parse', b)}\n" for b in ("main", "feature")))
    assert swarm("audit", ".", "--since", "main", exit=2).err == (
        f"ERROR [BASELINE_NO_MERGE_BASE]: HEAD and 'main' have no common commit in {repo.root}\n"
        f"  Path: {repo.root}\n"
        "  Next: fetch the history: `git fetch --unshallow`, or `fetch-depth: 0` in GitHub Actions\n"
    )
    assert swarm("runs").out == "No runs found.\n"


def notebook(*rows: str) -> str:
    def cell(kind: str, lines: tuple[str, ...]) -> dict[str, object]:
        more = {"execution_count": None, "outputs": []} if kind == "code" else {}
        return {"cell_type": kind, "metadata": {}, "source": [f"{line}\n" for line in lines], **more}

    cells = [cell("markdown", ("# Title",)), cell("code", ("x = 1",)), cell("code", rows)]
    document = {"cells": cells, "metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 4}
    return json.dumps(document, indent=1)


def test_a_finding_in_a_notebook_stands_at_the_line_of_its_file(swarm: Swarm, repo: Repo) -> None:
    repo.commit({"n.ipynb": notebook("y = 2")})
    text = notebook("y = 2", "print(nowhere)")
    repo.commit({"n.ipynb": text})
    (line,) = (number for number, line in enumerate(text.split("\n"), 1) if "nowhere" in line)
    assert audited(swarm, "HEAD~1", 1) == [("F821", "n.ipynb", line, '"print(nowhere)\\n"')]
