"""A finding keeps its id where its line is edited, laid out anew or moved, and another line does not get the id."""

from typing import Final, NamedTuple

import pytest

from tests.conftest import Repo, Swarm, Workspace


class Edit(NamedTuple):
    """A file before and after, the number of the line that is reported in each, and how the report is recognised."""

    before: str
    at: int
    after: str
    now: int
    way: str
    path: str | None = None


JAVA: Final = "class Config {\n    int one;\n\n    BEFORE\n        read(key);\n    }\n\n    int two;\n}\n"
METHOD: Final = "public boolean getFlag(String key) {"
TWO: Final = "class A {\n  int get(int a) {\n    return a;\n  }\n\n  int get(String b) {\n    return 2;\n  }\n}\n"
TRY: Final = "def f():\n    try:\n        one()\n    except ValueError:\n        two()\n\n\ndef g():\n    pass\n"


def java(method: str, above: str = "") -> str:
    return above + JAVA.replace("BEFORE", method)


EDITS: Final[dict[str, Edit]] = {
    "modifier.java": Edit(
        java(METHOD), 4, java("public static boolean getFlag(String key) {", "// Read.\n\n"), 6, "rewritten"
    ),
    "parameter.java": Edit(
        java(METHOD),
        4,
        java("private Map<String, List<Flag>> getFlag(final Source from, int limit) throws IOException {\n        go();"),
        4,
        "rewritten",
    ),
    "annotated.java": Edit(java(METHOD), 4, java(f'@Override @Named(value = "x") {METHOD}\n        go();'), 4, "rewritten"),
    "overload.java": Edit(
        TWO, 6, TWO.replace("int get(int a) {", "long get(int a, int c) {\n    go();").replace("String b", "Text b"), 7, "rewritten"
    ),
    "value.py": Edit("def f():\n    limit = 3\n    return limit\n", 2, "def f():\n    a = 1\n    limit = read(a)\n    return limit\n", 3, "rewritten"),
    "signature.py": Edit(
        "class A:\n    def f(self, a):\n        return a\n",
        2,
        "class A:\n    x = 1\n\n    async def f(\n        self, a, *, b\n    ) -> int:\n        return a\n",
        4,
        "rewritten",
    ),
    "facing.c": Edit("int sum(int a) {\n  return a + 1;\n}\n", 2, "int sum(int a) {\n  return a + b + 1;\n}\n", 2, "rewritten"),
    "quotes.js": Edit('go();\nconst name = f("x", 1);\n', 2, "go();\nstop();\nconst name = f( 'x',1 )\n", 3, "reformatted"),
    "moved.c": Edit(
        "int one(void) {\n  PyObject *list = PyList_New(0);\n}\n", 2, "int two(void) { return 2; }\n", 2, "moved_file", "other/moved.c"
    ),
    "fresh.py": Edit("def f():\n    first_call(alpha)\n    end()\n", 2, "def f():\n    other(beta, gamma)[0]\n    more()\n    end()\n", 2, "new"),
    "try.py": Edit(TRY, 2, TRY.replace("    try:\n        one()\n    except ValueError:\n        two()\n", "    three()\n").replace(
        "    pass\n", "    try:\n        four()\n    finally:\n        five()\n"), 6, "new"),
    "renamed.c": Edit("int i;\n\nint old_size(void) {\n  return 1;\n}\n", 1, "int total;\n\nint size(void) {\n  int count = 0;\n  return 1;\n}\n", 4, "new"),
    "exports.js": Edit(
        "module.exports = function load(config) {\n  var way = config.way || defaults.way;\n  return way;\n}\n", 2,
        "import a from 'a';\n\nexport default function load(config) {\n  a(config);\n  const way = config.way || defaults.way;\n  return way;\n}\n", 5, "rewritten"
    ),
    "let.js": Edit("function f(a) {\n  const sum = read(a);\n}\n", 2, "function f(a) {\n  check(a);\n  check(b);\n  let sum, rest;\n}\n", 4, "rewritten"),
    "init.py": Edit("class A:\n    def __init__(self, *args, **kwargs):\n        pass\n", 2, "a = 1\n", 2, "new", "other/init.py"),
}  # fmt: skip


@pytest.fixture
def seen_twice(swarm: Swarm, repo: Repo, workspace: Workspace) -> dict[str, tuple[str, str, str, str]]:
    """The findings of two waves, each with a report a file: by file, the ids of both and how the second was matched."""
    repo.commit({f"src/{name}": edit.before for name, edit in EDITS.items()})
    ids = [_wave(swarm, workspace, 1, {name: edit.at for name, edit in EDITS.items()})]
    moved = {name: edit.path or name for name, edit in EDITS.items()}
    files = {f"src/{name}": edit.after for name, edit in EDITS.items()}
    files["src/other/moved.c"] = "int one(void) {\n  PyObject *list = PyList_New(0);\n  int more;\n}\n"
    files["src/other/init.py"] = "class B:\n    def __init__(self, *args, **kwargs):\n        self.b = 2\n"
    repo.commit(files)
    ids.append(_wave(swarm, workspace, 2, {moved[name]: edit.now for name, edit in EDITS.items()}))
    return {name: (ids[0][name][0], *ids[1][moved[name]]) for name in EDITS}


def _wave(swarm: Swarm, workspace: Workspace, number: int, lines: dict[str, int]) -> dict[str, tuple[str, str, str]]:
    """Collect a wave with a report for each file; returns the id of each, the kind of match and its note, by file."""
    swarm("dispatch", "health-audit-a", "--isolate")
    found = [{"file": f"src/{name}", "line": line, "rule_id": "R1"} for name, line in lines.items()]
    workspace.answer("code", *found, wave=number)
    workspace.answer("rest", wave=number)
    swarm("collect")
    listed = swarm("findings", "--format", "json", "--status", "all", exit=1).data["findings"]
    here = {(f["file"].removeprefix("src/"), f["line"]): f for f in listed if f["lastSeenWave"] == number}
    return {name: _told(swarm, here[name, line]) for name, line in lines.items()}


def _told(swarm: Swarm, finding: dict[str, str]) -> tuple[str, str, str]:
    told = swarm("explain", finding["findingId"]).out
    return finding["findingId"], finding["matchedBy"], next(line for line in told.splitlines() if "Matched by" in line)


def test_an_edited_line_keeps_its_id_and_says_how_it_was_recognised(
    seen_twice: dict[str, tuple[str, str, str, str]],
) -> None:
    told = {name: (before == after, way) for name, (before, after, way, _) in seen_twice.items()}
    assert told == {name: (edit.way != "new", edit.way) for name, edit in EDITS.items()}
    notes = [seen_twice[name][3].strip() for name in ("modifier.java", "moved.c")]
    assert notes == [
        "Matched by rewritten: line 4 → 6, text changed, occurrence 1 of 1, both declare getFlag",
        "Matched by moved_file: src/moved.c:2 → src/other/moved.c:2, same text, occurrence 1 of 1",
    ]


LAID: Final = (
    "static int total(int *values, int count) {\n  int sum = 0;\n  for (int at = 0; at < count; at++) {\n"
    "    if (values[at] > 0) {\n      sum += values[at];\n    } else {\n      sum -= values[at];\n    }\n  }\n"
    "  return sum;\n}\n"
)


def test_a_file_that_is_renamed_and_indented_anew_at_once_is_the_same_file(
    swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    repo.commit({"src/old.c": LAID, "src/gone.c": "int gone(int value) {\n  return value * 2;\n}\n"})
    # A line that says little, one that says much, and one whose file leaves.
    before = _wave(swarm, workspace, 1, {"old.c": 6, "gone.c": 2})
    (repo.root / "src/old.c").unlink()
    (repo.root / "src/gone.c").unlink()
    repo.commit({"src/new/name.c": LAID.replace("  ", "\t"), "src/other.c": "int other(void) {\n  return 7;\n}\n"})
    swarm("dispatch", "health-audit-a", "--isolate")
    workspace.answer("code", wave=2)
    workspace.answer("rest", wave=2)
    swarm("collect")
    listed = swarm("findings", "--format", "json", "--status", "all", exit=1).data["findings"]
    assert {f["findingId"]: (f["status"], f["file"], f["line"]) for f in listed} == {
        before["old.c"][0]: ("unverified", "src/new/name.c", 6),
        before["gone.c"][0]: ("fixed", "src/gone.c", 2),
    }
    after = _wave(swarm, workspace, 3, {"new/name.c": 6})
    assert after["new/name.c"][0] == before["old.c"][0]
