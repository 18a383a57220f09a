"""The fixes of the real ruff: those of the assigned findings and of no other, in every kind of text."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from swarm.runtimes import programs
from swarm.runtimes.ruff_fixes import Mended, mend, with_reports
from swarm.runtimes.runtime import Assigned
from swarm.runtimes.undo_fixes import RECORD, take_back

RUFF = programs.found("ruff") or "ruff"
SELECT = "F,E7,UP,B,I,RUF"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    made = (tmp_path / "tree").resolve()
    made.mkdir()
    return made


def reports_of(tree: Path, select: str = SELECT) -> dict[str, list[Any]]:
    done = subprocess.run(
        [RUFF, "check", "--isolated", "--no-cache", "--exit-zero", f"--select={select}", "--output-format=json", "."],
        cwd=tree,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        check=True,
    )
    found: dict[str, list[Any]] = {}
    for report in json.loads(done.stdout):
        found.setdefault(report["filename"].removeprefix(f"{tree}/"), []).append(report)
    return found


def wanted(rule: str | None, line: int | None, file: str | None = "a.py", words: str = "?", **more: Any) -> Assigned:
    return Assigned(f"F-{rule}-{line}", rule, file, line, words, **more)


def fixed(
    tree: Path, assigned: Sequence[Assigned], reports: Mapping[str, list[Any]], record: Path, *, unsafe: bool = False
) -> Mended:
    return mend(tree, with_reports(assigned, reports), reports, record, unsafe=unsafe)


def mended(tree: Path, source: str | bytes, *assigned: Assigned, unsafe: bool = False) -> tuple[bytes, Mended]:
    body = source.encode() if isinstance(source, str) else source
    (tree / "a.py").write_bytes(body)
    done = fixed(tree, assigned, reports_of(tree), tree.parent / RECORD, unsafe=unsafe)
    after = (tree / "a.py").read_bytes()
    assert done.files == (("a.py",) if after != body else ())
    assert done.fixes.keys() | done.skipped.keys() == {one.finding_id for one in assigned}
    return after, done


def test_the_assigned_occurrence_is_mended_and_no_other(tree: Path) -> None:
    after, done = mended(tree, "import os\nimport re\nimport sys\n", wanted("F401", 2))
    assert after == b"import os\nimport sys\n"
    assert done == Mended({"F-F401-2": "Remove unused import: `re`"}, {}, ("a.py",))


TEXTS: dict[str, tuple[bytes, int, bytes]] = {
    "CRLF": (b"x = 1\r\nimport os\r\ny = 2\r\n", 2, b"x = 1\r\ny = 2\r\n"),
    "CR alone": (b"x = 1\rimport os\ry = 2\r", 2, b"x = 1\ry = 2\r"),
    "mixed ends": (b"x = 1\r\nimport os\ny = 2\r\n", 2, b"x = 1\r\ny = 2\r\n"),
    "a byte order mark": (b"\xef\xbb\xbfimport os\nx = 1\n", 1, b"\xef\xbb\xbfx = 1\n"),
    "a byte order mark, a later line": (b"\xef\xbb\xbfx = 1\nimport os\n", 2, b"\xef\xbb\xbfx = 1\n"),
    "tabs": (b"if 1:\n\timport os; x = '\t'\n", 2, b"if 1:\n\tx = '\t'\n"),
    "wide characters before it": ("x = 'é€𝄞🐝'; import os\n".encode(), 1, "x = 'é€𝄞🐝'; \n".encode()),
    "combining characters before it": (
        "x = 'e\u0301👩‍👩‍👧'; import os\n".encode(),
        1,
        "x = 'e\u0301👩‍👩‍👧'; \n".encode(),
    ),
    "a form feed": (b"x = 1\x0c\nimport os\n", 2, b"x = 1\x0c\n"),
    "separators that end no line": ("x = '\u2028\x85\x0b'\nimport os\n".encode(), 2, "x = '\u2028\x85\x0b'\n".encode()),
    "no last newline": (b"x = 1\nimport os", 2, b"x = 1\n"),
    "the whole file": (b"import os\n", 1, b""),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_every_kind_of_text_is_mended_in_its_place_and_stays_what_it_was_elsewhere(tree: Path, kind: str) -> None:
    source, line, expected = TEXTS[kind]
    after, done = mended(tree, source, wanted("F401", line))
    assert (after, list(done.skipped)) == (expected, [])


def test_the_same_bytes_as_ruff_itself_would_write(tree: Path) -> None:
    source = "import os\nimport re, sys\n\n\ndef f():\n    import json\n    return re.sub('é', sys.path[0], f'x')\n"
    every = [wanted("F401", 1), wanted("F401", 6), wanted("F541", 7)]
    after, _ = mended(tree, source, *every)
    (tree / "b.py").write_text(source)
    subprocess.run(
        [RUFF, "check", "--isolated", "--no-cache", "--exit-zero", "--select=F401,F541", "--fix", "-q", "b.py"],
        cwd=tree,
        check=True,
    )
    assert after == (tree / "b.py").read_bytes()


def test_two_fixes_on_one_line_are_both_made(tree: Path) -> None:
    after, done = mended(
        tree,
        "x = None\nprint(f'a', x == None, f'b')\n",
        wanted("F541", 2, words="f-string without any placeholders"),
        wanted("E711", 2),
        unsafe=True,
    )
    assert after == b"x = None\nprint('a', x is None, f'b')\n"
    assert set(done.fixes) == {"F-F541-2", "F-E711-2"}


@pytest.mark.parametrize(("ordinal", "expected"), [(1, "x is None or y == None"), (2, "x == None or y is None")])
def test_of_equal_reports_of_one_line_the_one_that_was_found_is_mended(tree: Path, ordinal: int, expected: str) -> None:
    source = "x = y = 1\nprint(x == None or y == None)\n"
    one = wanted("E711", 2, words="Comparison to `None` should be `cond is None`", ordinal=ordinal, is_measured=True)
    after, _ = mended(tree, source, one, unsafe=True)
    assert after.decode() == f"x = y = 1\nprint({expected})\n"


def test_a_report_of_other_words_is_another_s(tree: Path) -> None:
    words = "`os` imported but unused"
    after, done = mended(tree, "import re\n", wanted("F401", 1, words=words, is_measured=True))
    assert (after, done.skipped) == (b"import re\n", {"F-F401-1": "ruff does not report F401 there"})
    # What an agent found by reading is told in words of its own; two reports could be meant then.
    assert mended(tree, "import re\n", wanted("F401", 1))[0] == b""
    assert mended(tree, "import re; import os\n", wanted("F401", 1))[1].fixes == {}


def test_a_fix_that_would_mend_what_was_not_given_is_left_out(tree: Path) -> None:
    first = wanted("F401", 1, words="`re.compile` imported but unused", is_measured=True)
    second = Assigned("F-2", "F401", "a.py", 1, "`re.match` imported but unused", 2, is_measured=True)
    source = "from re import compile, match\n"
    after, done = mended(tree, source, first)
    assert (after, done.skipped) == (
        source.encode(),
        {
            first.finding_id: (
                "its fix would also mend what was not given to this agent: `re.match` imported but unused"
            )
        },
    )
    after, done = mended(tree, source, first, second)
    assert (after, set(done.fixes)) == (b"", {first.finding_id, "F-2"})


def test_an_unsafe_fix_is_made_only_where_it_was_asked_for(tree: Path) -> None:
    source = "x = None\nprint(x == None)\n"
    after, done = mended(tree, source, wanted("E711", 2))
    why = "ruff's fix for E711 is unsafe; `unsafe_fixes` of [runtimes.ruff] would take it"
    assert (after, done.skipped) == (source.encode(), {"F-E711-2": why})
    assert mended(tree, source, wanted("E711", 2), unsafe=True)[0] == b"x = None\nprint(x is None)\n"


def test_what_ruff_cannot_mend_is_told(tree: Path) -> None:
    source = "def f():\n    return undefined\n"
    every = [wanted("F821", 2), wanted("F401", 1), wanted(None, 1), wanted("F401", 1, "gone.py"), wanted("F401", None)]
    done = fixed(tree, every, {}, tree.parent / RECORD)
    assert set(done.skipped.values()) == {
        "ruff does not report F821 there",
        "ruff does not report F401 there",
        "it is no rule's finding, so there is nothing that ruff could mend",
    }
    after, done = mended(tree, source, wanted("F821", 2))
    assert (after, done.skipped) == (source.encode(), {"F-F821-2": "ruff has no fix for F821 here"})


def fix(start: tuple[int, int], end: tuple[int, int], content: str, applicability: str = "safe") -> dict[str, Any]:
    place = {"location": {"row": start[0], "column": start[1]}, "end_location": {"row": end[0], "column": end[1]}}
    return {"applicability": applicability, "edits": [{**place, "content": content}], "message": "Mend it"}


def report(rule: str, row: int, made: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    return {"code": rule, "location": {"row": row, "column": 1}, "message": rule, "fix": made, **more}


def played(tree: Path, source: str, *reports: dict[str, Any]) -> tuple[str, Mended]:
    (tree / "a.py").write_text(source)
    every = [wanted(one["code"], one["location"]["row"]) for one in reports]
    done = fixed(tree, every, {"a.py": reports}, tree.parent / RECORD)
    return (tree / "a.py").read_text(), done


def test_of_fixes_that_run_into_each_other_the_first_is_made(tree: Path) -> None:
    one, two = fix((1, 1), (1, 4), "AB"), fix((1, 3), (1, 6), "CD")
    after, done = played(tree, "abcdef\n", report("X1", 1, one), report("X2", 1, two))
    assert after == "ABdef\n"
    assert done.skipped == {"F-X2-1": "its fix runs into another one; amend again after this one is merged"}
    assert done.collided == ("F-X2-1",)


def test_of_fixes_that_run_into_each_other_the_smallest_is_made(tree: Path) -> None:
    one, two = fix((1, 1), (1, 6), "AB"), fix((1, 3), (1, 4), "C")
    after, done = played(tree, "abcdef\n", report("X1", 1, one), report("X2", 1, two))
    assert (after, done.collided) == ("abCdef\n", ("F-X1-1",))


def test_fixes_side_by_side_and_empty_ones_at_one_place_do_not_run_into_each_other(tree: Path) -> None:
    after, done = played(
        tree, "abcdef\n", report("X1", 1, fix((1, 1), (1, 4), "x")), report("X2", 1, fix((1, 4), (1, 7), "y"))
    )
    assert (after, done.skipped) == ("xy\n", {})


def test_a_fix_after_which_it_is_no_python_is_left_out(tree: Path) -> None:
    after, done = played(
        tree, "x = 1\ny = 2\n", report("X1", 1, fix((1, 1), (1, 2), "(")), report("X2", 2, fix((2, 1), (2, 2), "z"))
    )
    assert after == "x = 1\nz = 2\n"
    assert list(done.skipped) == ["F-X1-1"]


def test_what_was_no_python_before_need_not_become_it(tree: Path) -> None:
    assert played(tree, "x = (\n", report("X1", 1, fix((1, 1), (1, 2), "y")))[0] == "y = (\n"


def test_a_fix_beyond_the_end_of_the_file_does_no_harm(tree: Path) -> None:
    after, _ = played(tree, "x = 1\n", report("X1", 1, fix((9, 9), (9, 9), "")))
    assert after == "x = 1\n"


@pytest.mark.parametrize(
    "made", [None, {}, {"applicability": "safe", "edits": []}, fix((1, 1), (1, 2), "y", "display")]
)
def test_a_report_without_a_fix_to_make_is_left(tree: Path, made: dict[str, Any] | None) -> None:
    after, done = played(tree, "x = 1\n", report("X1", 1, made))
    assert (after, list(done.skipped)) == ("x = 1\n", ["F-X1-1"])


def test_a_notebook_is_left(tree: Path) -> None:
    made = fix((1, 1), (1, 2), "y")
    after, done = played(tree, "x = 1\n", report("X1", 1, made, cell=1))
    assert (after, done.skipped) == ("x = 1\n", {"F-X1-1": "ruff has no fix for X1 here"})


@pytest.mark.parametrize("what", ["the file", "its folder", "nothing"])
def test_a_link_in_the_place_of_a_file_is_not_followed(tree: Path, tmp_path: Path, what: str) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "a.py").write_text("x = 1\n")
    file = tree / "sub" / "a.py"
    if what == "its folder":
        (tree / "sub").symlink_to(victim)
    elif what == "the file":
        file.parent.mkdir()
        file.symlink_to(victim / "a.py")
    reports = {"sub/a.py": [report("X1", 1, fix((1, 1), (1, 2), "y"))]}
    done = fixed(tree, [wanted("X1", 1, "sub/a.py")], reports, tmp_path / RECORD)
    assert done == Mended({}, {"F-X1-1": "a link stands in the place of its file"}, ())
    assert (victim / "a.py").read_text() == "x = 1\n"


# --- attempts that were cut short -------------------------------------------------------------------------


def cut_short(tree: Path, number: int = 1) -> Path:
    """Mend line 1 in an attempt; return the folder of all attempts."""
    attempts = tree.parent / "attempts"
    folder = attempts / f"attempt-{number}"
    folder.mkdir(parents=True)
    fixed(tree, [wanted("F401", 1)], reports_of(tree), folder / RECORD)
    return attempts


def test_what_an_attempt_mended_before_it_was_cut_short_is_taken_back(tree: Path) -> None:
    source = b"\xef\xbb\xbfimport os\r\nimport re\r\n"
    (tree / "a.py").write_bytes(source)
    attempts = cut_short(tree)
    cut_short(tree, 2)
    assert (tree / "a.py").read_bytes() == b"\xef\xbb\xbf"
    take_back(tree, attempts, ["a.py"])
    assert (tree / "a.py").read_bytes() == source


def test_a_file_that_was_edited_since_is_left_and_so_is_one_of_nobody_here(tree: Path) -> None:
    (tree / "a.py").write_text("import os\nx = 1\n")
    attempts = cut_short(tree)
    take_back(tree, attempts, ["b.py"])
    assert (tree / "a.py").read_text() == "x = 1\n"
    (tree / "a.py").write_text("x = 2\n")
    take_back(tree, attempts, ["a.py"])
    assert (tree / "a.py").read_text() == "x = 2\n"


def test_what_a_killed_program_wrote_is_taken_back_and_kept_beside_the_record(tree: Path) -> None:
    (tree / "a.py").write_text("half")
    folder = tree.parent / "attempts/attempt-1"
    folder.mkdir(parents=True)
    (folder / RECORD).write_text('{"a.py": ["x = 1\\n", null]}')
    for _ in range(2):
        take_back(tree, folder.parent, ["a.py"])
        assert (tree / "a.py").read_text() == "x = 1\n"
        assert [file.read_text() for file in folder.glob("*.taken-back")] == ["half"]


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b'{"a.py": 1}', b'{"a.py": ["x"]}', b'{"a.py": [1, 2]}'])
def test_a_record_that_is_none_of_ours_is_passed_by(tree: Path, body: bytes) -> None:
    (tree / "a.py").write_text("x = 1\n")
    folder = tree.parent / "attempts/attempt-1"
    folder.mkdir(parents=True)
    (folder / RECORD).write_bytes(body)
    folder.with_name("attempt-2").mkdir()
    os.mkfifo(folder.with_name("attempt-2") / RECORD)
    take_back(tree, folder.parent, ["a.py"])
    assert (tree / "a.py").read_text() == "x = 1\n"


def edit(line: int, content: str) -> dict[str, Any]:
    return {"location": {"row": line, "column": 1}, "end_location": {"row": line, "column": 2}, "content": content}


def broken_and_good(tree: Path, count: int, broken: set[int]) -> Mended:
    """Offer a fix for each line of a file; those of some lines break the text."""
    (tree / "a.py").write_text("x = 1\n" * count)
    reports = [
        {
            "code": "X1",
            "message": "?",
            "location": {"row": line, "column": 1},
            "fix": {"applicability": "safe", "message": "m", "edits": [edit(line, "(" if line in broken else "y")]},
        }
        for line in range(1, count + 1)
    ]
    every = [wanted("X1", line) for line in range(1, count + 1)]
    return fixed(tree, every, {"a.py": reports}, tree.parent / RECORD)


def test_only_the_fixes_that_break_the_text_are_left_out(tree: Path) -> None:
    done = broken_and_good(tree, 50, {1, 20, 21, 50})
    assert list(done.skipped) == [f"F-X1-{line}" for line in (1, 20, 21, 50)]
    assert (tree / "a.py").read_text().count("y = 1") == 46


def test_thousands_of_fixes_in_a_file_are_applied_together(tree: Path) -> None:
    assert len(broken_and_good(tree, 4000, set()).fixes) == 4000


def test_the_search_for_fixes_that_break_the_text_is_bounded(tree: Path) -> None:
    broken = set(range(101, 201))
    done = broken_and_good(tree, 300, broken)
    assert list(done.fixes) == [f"F-X1-{line}" for line in range(1, 101)]
    assert (tree / "a.py").read_text().count("y = 1") == 100
