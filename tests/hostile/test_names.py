"""Hostile names of everything that has one: they are data to every verb, whatever a shell or git would make of them."""

import shutil
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import SOURCE, Answer, Repo, Swarm, Workspace
from tests.hostile.cases import listed
from tests.hostile.law import assert_lawful, assert_nothing_happened, assert_whole, checkout

pytestmark = pytest.mark.sweep

NAMES: Final = listed("names")
# What bytes are when they are no text, as an argument of a process has them.
WORDS: Final = [*NAMES["words"], "caf\udce9", "x" * 5000, "9" * 5000]
ASKED: Final = (
    ("status", "{}"),
    ("findings", "{}"),
    ("findings", "--rule={}"),
    ("findings", "--domain={}"),
    ("findings", "--path={}"),
    ("show", "{}"),
    ("show", "--run={}", "F-00000000"),
    ("history", "{}"),
    ("explain", "{}"),
    ("receipt", "{}"),
    ("attempts", "{}"),
    ("schema", "{}"),
    ("runtimes", "{}"),
    ("trends", "--repo={}"),
    ("domains", "--who={}"),
    ("domains", "--add={}", '--globs=["x"]'),
    ("domains", "--edit={}", "--desc=x"),
    ("domains", "--remove={}"),
    ("domains", "--unfreeze", "--reason={}"),
    ("domains", "--add=new", "--globs={}"),
    ("domains", "--add=new", '--globs=["x"]', "--desc={}"),
    ("domains", "--add=newer", '--globs=["x"]', "--before={}"),
    ("domains", "--add=newest", '--globs=["x"]', "--ownership={}"),
    ("lease", "grant", "--domain={}", "--file=src/x", "--reason=x"),
    ("lease", "grant", "--domain=code", "--file=README.md", "--reason={}"),
    ("dispatch", "{}"),
    ("dispatch", "health-audit-a", "--runtime={}", "--dry-run"),
    ("launch", "--runtime={}"),
    ("launch", "--timeout={}"),
    ("collect", "--domain={}"),
    ("collect", "--domain={}:x"),
    ("approve", "--ids={}"),
    ("reject", "--all", "--rule={}", "--reason={}"),
    ("defer", "--all", "--until={}", "--reason=x"),
    ("merge", "--target={}"),
    ("merge", "--drop={}"),
    ("verify", "--probe-only", "--commit={}"),
    ("verify", "--probe-only", "--adapter={}"),
    ("verify-fixed", "--threshold={}"),
    ("audit", ".", "--since={}"),
    ("audit", ".", "--phase={}"),
    ("rewind", "{}", "--reason=x"),
    ("redrive", "{}"),
    ("revalidate", "--domain={}"),
    ("resume", "{}"),
    ("clean", "{}"),
    ("undo", "{}"),
    ("runs", "--set-timeout={}", "--run={}"),
    ("ledger", "verify", "--head={}"),
    ("init", ".", "--repo={}"),
    ("init", "{}"),
    ("{}",),
    ("status", "--{}"),
    ("status", "--format={}"),
)


def held(answer: Answer, form: str = "text") -> Answer:
    assert_lawful(answer, form=form)
    return answer


@pytest.mark.parametrize("asked", ASKED, ids=" ".join)
def test_a_hostile_argument_is_refused_or_taken_for_what_it_is(
    swarm: Swarm, repo: Repo, workspace: Workspace, asked: tuple[str, ...]
) -> None:
    before = checkout(repo)
    for word in WORDS:
        words = [part.replace("{}", word) for part in asked]
        answer = swarm(*words, exit=None)
        assert_lawful(answer, form="sarif" if "--format=sarif" in words else "text")
    after = checkout(repo)
    assert {part for part in after if after[part] != before[part]} == set()
    assert_whole(swarm, workspace.db)


def lived(swarm: Swarm, repo: Repo, branch: str) -> None:
    """Lead a run through all of its life, in a repository with a hostile name for everything."""
    files = {f"src/{name}/x.py": SOURCE["src/app.py"] for name in NAMES["folders"]}
    repo.write({**files, **{f"src/{name}": "x = 1\n" for name in (f"{folder}.txt" for folder in NAMES["folders"])}})
    repo.write(
        {
            "swarm.toml": '[[verify.steps]]\nname = "x"\nkind = "test"\nargv = ["echo", "1 ran"]\ncount_pattern = "(1) ran"\n'
        }
    )
    repo.commit()
    run = swarm("init", ".", "--format", "json").data["runId"]
    place = repo.root / "swarms"
    audit = ("audit", ".", "--format")
    # Exit 3: a list of files cannot name the file whose name holds a line break.
    found = held(swarm(*audit, "json", exit=3), "json").data["digest"]["findings"]
    # A list of files, one a line, cannot name a file with a line break; it counts as unread.
    assert {item["file"] for item in found} >= {name for name in files if "\n" not in name}
    for form in ("text", "markdown", "json", "sarif"):
        held(swarm("findings", "--format", form, exit=1), form)
    held(swarm("show", found[0]["findingId"]))
    held(swarm("approve", "--all", "--rule", "F401,B006"))
    held(swarm("dispatch", "health-amend-a", "--isolate", "--runtime", "ruff", "--skip-anchor-check", "--reason", "x"))
    held(swarm("launch", exit=None))
    held(swarm("collect", exit=None))
    held(swarm("merge", exit=None))
    merged = repo.git("for-each-ref", "--format=%(objectname)", "refs/heads/swarm/*/integration")
    assert repo.git("diff", "--name-only", "-z", branch, merged).split("\0")[0].startswith("src/")
    for words in (
        ("verify",),
        ("advance",),
        ("merge", "--publish"),
        ("receipt",),
        ("status",),
        ("report", "-o", "../r.html"),
        ("clean",),
    ):
        held(swarm(*words, exit=None))
    held(swarm("clean", "--apply", "--reason", "x", exit=None))
    held(swarm("undo", exit=None))
    assert_whole(swarm, place / "control-plane.db")
    assert run in swarm("runs").out


@pytest.mark.usefixtures("repo")
@pytest.mark.parametrize("folder", NAMES["folders"])
def test_a_run_lives_in_a_repository_with_hostile_names(
    request: pytest.FixtureRequest, tmp_path: Path, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = NAMES["folders"].index(folder)
    repo: Repo = request.getfixturevalue("repo")
    swarm: Swarm = request.getfixturevalue("swarm")
    repo.root = shutil.move(repo.root, tmp_path / folder)
    repo.root = Path(repo.root).resolve()
    branch = NAMES["branches"][number]
    repo.git("symbolic-ref", "HEAD", f"refs/heads/{branch}")
    repo.git("update-ref", f"refs/heads/{branch}", repo.git("rev-parse", "refs/heads/main"))
    lived(swarm, repo, f"refs/heads/{branch}")
    assert_nothing_happened(tmp_path)
