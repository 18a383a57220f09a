"""Text of `findings` and `audit`: by file on a terminal, a line for each finding in a pipe, and what filters leave."""

import re

import pytest

from tests.conftest import Repo, Swarm
from tests.sweeping import swept

SOURCE = {
    "src/flask/app.py": "import json\n\n\ndef load(path, seen=[]):\n    return eval(path)\n",
    "lib/b.py": "import re\nimport os\n",
}
MUTABLE = "Do not use mutable data structures for argument defaults"
INSECURE = "Use of possibly insecure function; consider using `ast.literal_eval`"
ID = re.compile(r"F-[0-9a-f]{8}")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 72 columns without colours."""
    monkeypatch.setattr("swarm.show.text.is_terminal", lambda: True)
    monkeypatch.setattr("swarm.show.text.width", lambda: 72)
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def audited(swarm: Swarm, repo: Repo) -> Repo:
    """A repository with five findings in two files, which an audit knows."""
    repo.git("rm", "-q", "-r", ".")
    repo.commit(SOURCE)
    swarm("audit", ".", exit=1)
    return repo


def shown(text: str) -> list[str]:
    return ID.sub("F-........", text).splitlines()


@pytest.mark.usefixtures("terminal")
def test_a_terminal_lists_findings_by_file_in_columns_that_fit(swarm: Swarm, audited: Repo) -> None:
    lines = shown(swarm("findings", exit=1).out)
    assert lines[:9] == [
        "src/flask/app.py",
        "  4:21  HIGH  B006  Do not use mutable data s…           F-........  new",
        "  5:12  HIGH  S307  Use of possibly insecure …           F-........  new",
        "  1:8   LOW   F401  `json` imported but unused  fixable  F-........  new",
        "",
        "lib/b.py",
        "  1:8   LOW   F401  `re` imported but unused    fixable  F-........  new",
        "  2:8   LOW   F401  `os` imported but unused    fixable  F-........  new",
        "",
    ]
    assert lines[9] == "5 new (3 fixable: swarm fix --rule F401)"
    assert all(len(line) <= 72 for line in lines[:9])
    assert [re.sub(r"ruff [0-9.]+", "ruff", line) for line in lines[10:]] == ["Looked at by ruff: 2 files"]


@pytest.mark.usefixtures("terminal")
def test_a_terminal_counts_what_is_known_and_lists_it_on_demand(swarm: Swarm, audited: Repo) -> None:
    audited.commit({"lib/c.py": "print(undefined)\n"})
    lines = shown(swarm("audit", ".", exit=1).out)
    assert lines[:4] == [
        "lib/c.py",
        "  1:7  HIGH  F821  Undefined name `undefined`  F-........  new",
        "",
        "1 new, 5 known (--all)",
    ]
    listed = shown(swarm("findings", "--all", exit=1).out)
    assert [line.split("  ")[-1] for line in listed if "F-........" in line] == ["new", *["recurring"] * 5]
    assert listed[listed.index("1 new, 5 known")] == "1 new, 5 known"


@pytest.mark.usefixtures("terminal")
def test_a_file_with_a_rule_again_and_again_leaves_room_on_the_first_screen(swarm: Swarm, repo: Repo) -> None:
    repo.git("rm", "-q", "-r", ".")
    repo.commit({"a.py": "".join(f"import m{n}\n" for n in range(40)), "b.py": "import os\n", "c.py": "print(lost)\n"})
    for lines in (shown(swarm(*call, exit=1).out) for call in (("audit", "."), ("findings",))):
        (rest,) = (place for place, line in enumerate(lines) if line.startswith("… and 22 more new: "))
        listed = [line for line in lines[:rest] if line]
        assert [line for line in listed if not line.startswith(" ")] == ["c.py", "a.py", "b.py"]
        # What gives way to others comes after them, and still fills the screen.
        assert sum(line.startswith(" ") for line in listed) == 20


@pytest.mark.usefixtures("terminal")
def test_the_hint_for_the_rest_repeats_the_filters(swarm: Swarm, repo: Repo, audited: Repo) -> None:
    lines = swarm("findings", "--severity", "low", "--path", "lib", "--limit", "1", exit=1).out.splitlines()
    (hint,) = (line for line in lines if line.startswith("…"))
    found = re.fullmatch(r"… and 1 more new: `swarm (findings swarm-\S+ --severity LOW --path lib --all)`", hint)
    assert found is not None, hint
    assert "2 new (2 fixable: swarm fix swarm-" in swarm(*found[1].split(), exit=1).out


def test_a_pipe_gets_a_whole_line_for_each_finding_new_ones_first(swarm: Swarm, audited: Repo) -> None:
    audited.commit({"lib/c.py": "print(undefined)\n"})
    lines = shown(swarm("audit", ".", exit=1).out)
    assert lines[:7] == [
        "lib/c.py:1:7  HIGH  F821  Undefined name `undefined`  F-........  new",
        f"src/flask/app.py:4:21  HIGH  B006  {MUTABLE}  F-........  recurring",
        f"src/flask/app.py:5:12  HIGH  S307  {INSECURE}  F-........  recurring",
        "lib/b.py:1:8  LOW  F401  `re` imported but unused  fixable  F-........  recurring",
        "lib/b.py:2:8  LOW  F401  `os` imported but unused  fixable  F-........  recurring",
        "src/flask/app.py:1:8  LOW  F401  `json` imported but unused  fixable  F-........  recurring",
        "",
    ]
    assert lines[7:9] == ["1 new, 5 known", "6 findings: 3 HIGH, 3 LOW"]


def test_columns_and_what_can_be_fixed_are_in_the_document_and_in_sarif(swarm: Swarm, audited: Repo) -> None:
    data = swarm("findings", "--format", "json", exit=1).data
    assert [(f["line"], f["column"], f["fixable"]) for f in data["findings"] if f["file"] == "src/flask/app.py"] == [
        (4, 21, False),
        (5, 12, False),
        (1, 8, True),
    ]
    assert (data["new"], data["fixable"]) == (5, 3)
    assert '"startLine": 4, "startColumn": 21' in swarm("findings", "--format", "sarif", exit=1).out


def test_a_path_is_a_folder_or_a_file_or_a_glob(swarm: Swarm, audited: Repo) -> None:
    for path in ("lib", "lib/", "./lib", "lib/b.py", "./lib/b.py", "lib/*.py"):
        assert swarm("findings", "--path", path, "--format", "json", exit=1).data["total"] == 2, path
    for path in (".", "./", "**"):
        assert swarm("findings", "--path", path, "--format", "json", exit=1).data["total"] == 5, path
    for path in ("li", "b.py", "lib/b"):
        assert swarm("findings", "--path", path, "--format", "json").data["total"] == 0, path


def test_filters_that_keep_nothing_say_of_how_many(swarm: Swarm, audited: Repo) -> None:
    for words in (("--path", "docs"), ("--severity", "critical"), ("--status", "fixed"), ("--domain", "rest")):
        assert swarm("findings", "--format", "text", *words).out.splitlines()[0] == "0 of 5 findings match."
        assert swarm("findings", *words).out.splitlines()[2] == "0 of 5 findings match."


@pytest.mark.parametrize(
    ("words", "nearest"),
    swept(
        [(("--rule", "F4011"), "--rule F401"), (("--rule", "s307"), "--rule S307"), (("--domain", "bakend"), "backend")]
    ),
)
def test_a_rule_or_a_domain_that_is_none_is_refused_with_the_nearest(
    swarm: Swarm, audited: Repo, words: tuple[str, ...], nearest: str
) -> None:
    for form in ("text", "json", "markdown", "sarif"):
        answer = swarm("findings", *words, "--format", form, exit=2)
        error = answer.document["error"] if form == "json" else None
        assert nearest in (error["hint"] if error else answer.err)


def test_a_rule_whose_findings_are_all_fixed_is_still_known(swarm: Swarm, audited: Repo) -> None:
    audited.commit({"src/flask/app.py": "VALUE = 1\n"})
    swarm("audit", ".", exit=1)
    assert swarm("findings", "--rule", "S307", "--format", "text").out.splitlines()[0] == "0 of 2 findings match."


@pytest.mark.usefixtures("terminal")
def test_a_terminal_shows_the_counts_alone_where_nothing_is_listed(swarm: Swarm, audited: Repo) -> None:
    audited.commit({"README.md": "Another page.\n"})
    assert swarm("audit", ".", exit=1).out.splitlines()[0] == "0 new, 5 known (--all)"
    audited.git("rm", "-q", "-r", ".")
    audited.commit({"src/app.py": "NUMBER = 1\n"})
    assert swarm("audit", ".").out.splitlines()[0] == "No findings."
    assert swarm("findings").out.splitlines()[0] == "No findings."
