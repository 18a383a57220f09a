"""Whether the code of a lost line still stands: each way of writing it otherwise, and each real fix."""

import difflib

import pytest

from swarm.rules.anchors import Anchored, SourceText
from swarm.rules.code_text import CodeText
from swarm.rules.findings import Fate
from swarm.rules.line_map import Hunk, LineMap
from swarm.rules.standing_code import Added, AddedCode, LostLine

PY = "import os\n\n\ndef run(cmd):\n    mode = 'sh'\n    return shell(cmd, mode, \"now\")\n"
JS = "export function run(cmd) {\n  const mode = 'sh';\n  return shell(cmd, mode, \"now\");\n}\n"
GO = 'func Run(cmd string) error {\n\tmode := "sh"\n\treturn shell(cmd, mode, `now`)\n}\n'
C = 'int run(const char *cmd) {\n  int mode = 1;\n  return shell(cmd, mode, "now");\n}\n'


def fate_of(path: str, before: str, after: dict[str, str], mark: str = "shell") -> Fate | None:
    """The fate of the line with a mark: `after` are the files of the change, a file that is not there is removed."""
    old = SourceText(path, before.encode())
    line = next(number for number, text in enumerate(old.lines, 1) if mark in text)
    files = []
    hunk = None
    for name, text in after.items():
        code = CodeText(SourceText(name, text.encode()))
        if name != path:
            files.append(Added(code, frozenset(range(1, len(code.source.lines) + 1))))
            continue
        matcher = difflib.SequenceMatcher(None, old.lines, code.source.lines, autojunk=False)
        hunks = [
            Hunk(a + 1 if b > a else a, b - a, c + 1 if d > c else c, d - c)
            for kind, a, b, c, d in matcher.get_opcodes()
            if kind != "equal"
        ]
        lines = LineMap(hunks)
        assert lines.successor(line) is None, "the line stands"
        files.append(Added(code, frozenset(lines.added_lines())))
        hunk = next(h for h in hunks if h.old_start <= line < h.old_start + h.old_count)
    found = AddedCode(files).standing(LostLine(CodeText(old), old.anchor_at(line, Anchored.QUOTE), path, hunk))
    return found.fate if found else None


LINE = 'return shell(cmd, mode, "now")'
IN_PLACE = [
    ("src/a.py", PY, LINE, f"{LINE}  # checked", Fate.REFORMATTED),
    ("src/a.py", PY, LINE, f"{LINE}  # noqa", Fate.REFORMATTED),
    ("src/a.py", PY, LINE, f"{LINE}; pass", Fate.REFORMATTED),
    ("src/a.py", PY, LINE, 'return (shell(cmd, mode, "now"))', Fate.REFORMATTED),
    ("src/a.py", PY, LINE, "return shell( cmd , mode, 'now',)", Fate.REFORMATTED),
    ("src/a.py", PY, LINE, 'return shell(\n        cmd,\n        mode,\n        "now",\n    )', Fate.REFORMATTED),
    ("src/a.py", PY, LINE, 'return shell(cmd, mode, "n"\n    "ow")', Fate.REFORMATTED),
    ("src/a.py", PY, LINE, 'return \\\n        shell(cmd, mode, "now")', Fate.REFORMATTED),
    ("src/a.py", PY, f"    {LINE}", f"    if True:\n        {LINE}", Fate.REFORMATTED),
    ("src/a.py", PY, f"    {LINE}", f"    if False:\n        {LINE}\n    return 1", Fate.REFORMATTED),
    ("src/a.py", PY, LINE, 'done = shell(cmd, mode, "now")\n    return done', Fate.REWRITTEN),
    ("src/a.py", PY, "mode", "how", Fate.REWRITTEN),
    ("src/a.py", PY, "cmd", "c", Fate.REWRITTEN),
    ("src/a.py", PY, LINE, 'what = cmd\n    return shell(what, mode, "now")', Fate.REWRITTEN),
    ("src/a.py", PY, LINE, 'call = shell\n    return call(cmd, mode, "now")', Fate.REWRITTEN),
    ("src/a.js", JS, f"{LINE};", f"{LINE}; // checked", Fate.REFORMATTED),
    ("src/a.js", JS, f"{LINE};", "/* safe */ return shell(cmd, mode, 'now')", Fate.REFORMATTED),
    ("src/a.js", JS, f"{LINE};", "return shell(\n    cmd,\n    mode,\n    `now`,\n  );", Fate.REFORMATTED),
    ("src/a.js", JS, "cmd", "c", Fate.REWRITTEN),
    ("src/a.js", JS, "mode", "how", Fate.REWRITTEN),
    ("src/a.go", GO, "return shell(cmd, mode, `now`)", 'return (shell(cmd, mode, "now")) // ok', Fate.REFORMATTED),
    ("src/a.go", GO, "cmd", "command", Fate.REWRITTEN),
    ("src/a.go", GO, "mode", "how", Fate.REWRITTEN),
    ("src/a.c", C, f"{LINE};", f"{LINE}; /* checked */", Fate.REFORMATTED),
    ("src/a.c", C, "cmd", "c", Fate.REWRITTEN),
    ("src/a.c", C, "mode", "how", Fate.REWRITTEN),
]


@pytest.mark.parametrize(("path", "before", "old", "new", "fate"), IN_PLACE)
def test_a_line_whose_comments_layout_or_names_changed_still_stands(
    path: str, before: str, old: str, new: str, fate: Fate
) -> None:
    assert fate_of(path, before, {path: before.replace(old, new)}) is fate


COPY = PY.replace("def run", "def execute")
ELSEWHERE = [
    ("another file", {"src/a.py": "from src.b import run\n", "src/b.py": PY}, Fate.MOVED_FILE),
    ("a file of a new name", {"src/b.py": PY}, Fate.MOVED_FILE),
    ("another file and another name", {"src/a.py": "x = 1\n", "src/b.py": COPY.replace("cmd", "c")}, Fate.MOVED_FILE),
    (
        "a copy under another name, and the first repaired",
        {"src/a.py": PY.replace(LINE, "return None") + "\n\n" + COPY[11:].replace("cmd", "c")},
        Fate.MOVED,
    ),
    ("another file, with brackets", {"src/a.py": "x = 1\n", "src/b.py": PY.replace(LINE, f"({LINE[7:]})")}, None),
]


@pytest.mark.parametrize(("after", "fate"), [row[1:] for row in ELSEWHERE], ids=[row[0] for row in ELSEWHERE])
def test_a_line_whose_code_went_to_another_place_still_stands(after: dict[str, str], fate: Fate | None) -> None:
    assert fate_of("src/a.py", PY, after) is fate


BARE = "def run(cmd):\n    try:\n        return shell(cmd)\n    except:\n        return None\n"


def test_a_line_of_little_information_is_found_by_the_code_around_it() -> None:
    assert fate_of("src/a.py", BARE, {"src/b.py": BARE}, mark="except") is Fate.MOVED_FILE
    # Another bare `except:` says nothing about this one.
    other = "def load(path):\n    try:\n        return path.read()\n    except:\n        return 1\n"
    assert fate_of("src/a.py", BARE, {"src/b.py": other}, mark="except") is None


FIXES = [
    ("src/a.py", PY, LINE, 'return shell(quote(cmd), mode, "now")'),
    ("src/a.py", PY, LINE, 'return shell(cmd, mode, "later")'),
    ("src/a.py", PY, LINE, 'return safe(cmd, mode, "now")'),
    ("src/a.py", PY, LINE, "return None"),
    ("src/a.py", PY, LINE, 'return shell(mode, cmd, "now")'),
    ("src/a.py", PY, LINE, 'clean = quote(cmd)\n    return shell(clean, mode, "now")'),
    ("src/a.js", JS, LINE, 'return shell(escape(cmd), mode, "now")'),
    ("src/a.go", GO, "shell(cmd", "shell(clean(cmd)"),
    ("src/a.c", C, "shell(cmd, mode", "shell(mode, cmd"),
]


# Prose and data have no variables, and their signs are no comments.
FIXES += [
    ("docs/a.md", "# The shell guid\n", "guid", "guide"),
    ("docs/a.md", "Read https://shell.example/old first.\n", "/old", "/new"),
    ("docs/a.md", "See [the shell](guide.md.\n", "guide.md.", "guide.md)."),
    ("docs/a.rst", "Don't let the shell's output be lost, it isn't kept.\n", "isn't kept", "is not kept"),
    ("docs/a.txt", "Release -- the shell of 2024 // draft\n", "draft", "final"),
    ("a.json", '{"shell": "sh"}\n', "shell", "command"),
    ("a.yaml", "shell: https://a.example/#old\n", "#old", "#new"),
    ("a.sh", "shell ${#name} a\n", "} a", "} b"),
    ("tool", "#!/bin/sh\nshell ${#name} a\n", "} a", "} b"),
    ("Makefile", "all:\n\tshell a#b c\n", "b c", "b d"),
    ("a.css", "a { shell: url(http://a.example/old) }\n", "/old", "/new"),
]


@pytest.mark.parametrize(("path", "before", "old", "new"), FIXES)
def test_a_line_that_does_something_else_now_is_removed(path: str, before: str, old: str, new: str) -> None:
    assert fate_of(path, before, {path: before.replace(old, new)}) is None


def test_of_two_equal_lines_one_can_be_removed_while_the_other_is_rewritten() -> None:
    two = "def run(a):\n    shell(a.x)\n    log()\n    shell(a.x)\n"
    after = "def run(a):\n    log()\n    shell(a.x)  # checked\n"
    assert fate_of("src/a.py", two, {"src/a.py": after}) is None
    both = "def run(a):\n    shell(a.x)  # one\n    log()\n    shell(a.x)  # two\n"
    assert fate_of("src/a.py", two, {"src/a.py": both}) is Fate.REFORMATTED
