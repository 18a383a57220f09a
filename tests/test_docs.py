"""The docs hold: every command line in them runs, generated pages equal the code, the vector is right."""

import hashlib
import json
import os
import re
import shlex
import sys
from pathlib import Path

import pytest

from swarm.show.toml import HEAD
from tests.conftest import Repo, Swarm
from tools import generate, strangers_test

ROOT = Path(__file__).parent.parent
PROOF = """
[[verify.steps]]
name = "smoke"
kind = "test"
argv = ["python3", "-c", "print('Ran 1 test')"]
count_pattern = 'Ran (\\d+) test'
"""
# The finding of the session in README.md stands for any finding in the command lines of every page.
ID = "F-45301580"
PAGES = sorted([ROOT / "README.md", ROOT / "swarms" / "PROTOCOL.md", *(ROOT / "docs").rglob("*.md")])
# Their command lines run one after the other, with what they print.
SESSIONS = {ROOT / "docs" / "index.md", *(ROOT / "docs" / "tutorials").glob("*.md")}


def commands(page: Path) -> list[str]:
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    found = [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ swarm")]
    return found + re.findall(r"run: (swarm [^|>\n]*)", text)


# Answers as Claude Code does, and finds and fixes nothing.
AGENT = """#!{python}
import json, os, sys
if "--version" in sys.argv:
    sys.exit(print("2.1.197"))
domain, asked = os.environ["SWARM_DOMAIN"], sys.stdin.read()
kind = {{"fixes": [], "files_changed": []}} if "amend the domain" in asked else {{"stage": "A", "findings": []}}
text = json.dumps({{"domain": domain, "summary": "Looked.", **kind}})
print(json.dumps({{"type": "result", "subtype": "success", "is_error": False, "result": text}}))
"""


@pytest.fixture
def _agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "programs" / "claude"
    program.parent.mkdir()
    program.write_text(AGENT.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("_agent")
@pytest.mark.parametrize(
    "page", [page for page in PAGES if page not in SESSIONS and commands(page)], ids=lambda page: page.name
)
def test_every_command_line_of_a_page_runs(page: Path, swarm: Swarm, repo: Repo) -> None:
    repo.commit({"src/payments/card.py": "CARD = 1\n", "swarm.toml": PROOF, "decisions.toml": HEAD})
    # As in a clone, for `--baseline origin/main`.
    repo.git("update-ref", "refs/remotes/origin/main", "HEAD")
    first = commands(page)[0]
    if not first.startswith(("swarm audit", "swarm init")):
        swarm("audit", ".", exit=1)
    for line in commands(page):
        words = shlex.split(line)[1:]
        if ID in words:
            known = swarm("findings", "--format", "json", exit=1).data["findings"]
            words = [known[0]["findingId"] if word == ID else word for word in words]
        answer = swarm(*words, exit=None)
        assert answer.code is None, f"{line}\n{answer.err}"
        assert answer.exit in {0, 1}, line


def test_the_session_of_the_readme_is_what_swarm_prints(
    swarm: Swarm, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As a reader with a terminal of a common width sees it.
    monkeypatch.setattr("swarm.show.text.is_terminal", lambda: True)
    monkeypatch.setattr("swarm.show.text.width", lambda: 88)
    monkeypatch.setenv("NO_COLOR", "1")
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    source = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0]
    first, second = re.findall(r"```console\n\$ swarm audit \.(?: --all)?\n(.*?)```", page, re.DOTALL)[:2]
    repo.git("rm", "-q", "-r", ".")
    repo.commit({"src/app.py": source})

    def shown(printed: str) -> str:
        printed = re.sub(r"of commit [0-9a-f]{12}", "of commit …", printed)
        return re.sub(r"ruff [\d.]+(?: config \w+)?", "ruff …", printed)

    assert shown(swarm("audit", ".", exit=1).out) == shown(first)
    repo.commit({"src/app.py": '"""An example."""\n\n' + source.replace("greet()", "greet(user)")})
    assert shown(swarm("audit", ".", "--all", exit=1).out) == shown(second)


@pytest.mark.parametrize("name", sorted(generate.made()))
def test_a_generated_file_equals_what_the_code_makes(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == generate.made()[name], "run `make generate`"


def test_every_verb_has_a_schema_of_its_data() -> None:
    from swarm.cli.verbs import HELP

    assert set(generate.DATA) == set(HELP)


def test_the_ledgers_test_vector_in_the_docs_is_right() -> None:
    page = (ROOT / "docs" / "control-plane.md").read_text(encoding="utf-8")
    row = json.loads(page.partition("```json\n")[2].partition("```")[0])
    compact = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
    assert hashlib.sha256(compact.encode()).hexdigest() in page


def test_every_error_code_that_the_docs_name_exists() -> None:
    from swarm.errors import CATALOGUE

    for page in PAGES:
        named = set(
            re.findall(
                r"\b(?:CLI|DISPATCH|COLLECT|CONTROL_PLANE|DOMAINS?|REPO|RUN)_[A-Z_]{3,}\b", page.read_text("utf-8")
            )
        )
        assert named <= set(CATALOGUE), page.name


def test_every_page_that_is_linked_is_there() -> None:
    for page in PAGES:
        for link in re.findall(r"\]\(([\w./-]+\.md)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name} links {link}"


ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
NAMED_PATHS = sorted(set(re.findall(r"`((?:[\w.-]+/)+(?:[\w.-]+)?|\w+\.py)`", ARCHITECTURE)))


def test_every_path_that_the_architecture_names_is_there() -> None:
    missing = [name for name in NAMED_PATHS if not any((top / name).exists() for top in (ROOT / "swarm", ROOT))]
    assert len(NAMED_PATHS) > 50
    assert missing == [], "docs/architecture.md names what has moved: correct the page"


def test_the_architecture_names_every_room() -> None:
    package = ROOT / "swarm"
    rooms = {f"{file.parent.relative_to(package).as_posix()}/" for file in package.rglob("*.py")} - {"./"}
    assert rooms <= set(NAMED_PATHS), "docs/architecture.md has a table of rooms: add the new ones"


def test_every_file_of_the_repository_that_a_page_names_is_there() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        named = re.findall(r"`((?:tests|soak|benchmarks|tools|schemas|migrations)/[\w./*-]+)`", text)
        assert [name for name in named if not any(ROOT.glob(name.rstrip("/")))] == [], page.name


def test_the_stranger_s_test_has_twenty_questions_whose_files_are_there() -> None:
    asked = strangers_test.questions()
    assert len({question.text for question in asked}) == 20
    missing = [name for question in asked for name in question.files if not (ROOT / "swarm" / name).is_file()]
    assert missing == [], "tools/strangers_test.json names what has moved: correct the answers"
