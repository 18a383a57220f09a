"""Ways of files and lines between two commits, compared with the texts themselves."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from swarm.git.diff import Change, changed_lines, changes, line_maps, raw_changes
from swarm.git.path_text import path_text
from swarm.git.repository import repository_at
from swarm.git.runner import Git
from swarm.rules.line_map import LineMap
from tests.conftest import GIT, Repo
from tests.sweeping import swept


class Blobs:
    """A bare repository in which trees are made without a work tree."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run("init", "-q", "--bare", ".")
        self.git = Git(folder)

    def run(self, *arguments: str, stdin: bytes = b"") -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, input=stdin, capture_output=True, check=True, env=GIT
        )
        return done.stdout.decode().strip()

    def tree(self, files: dict[bytes, bytes], mode: str = "100644") -> str:
        listed = b"".join(
            f"{mode} blob {self.run('hash-object', '-w', '--stdin', stdin=content)}\t".encode() + name + b"\0"
            for name, content in sorted(files.items())
        )
        return self.run("mktree", "-z", stdin=listed)

    def line_map(self, old: bytes, new: bytes) -> LineMap:
        one, other = self.tree({b"a.py": old}), self.tree({b"a.py": new})
        return line_maps(self.git, one, other, changes(self.git, one, other)).get("a.py", LineMap(()))


@pytest.fixture(scope="module")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> Blobs:
    return Blobs(tmp_path_factory.mktemp("blobs"))


WORDS = [
    "x = 1",
    "",
    "    return x",
    "-- a/file",
    "++ b/file",
    "@@ -1 +1 @@",
    "index 0000000..1111111 100644",
    "diff --git a/x b/x",
    "\\ No newline at end of file",
    "\x00binary",
    "caf\xe9",
    "a\rb",
    "}",
]
LINES = st.lists(st.sampled_from(WORDS), max_size=14)
EDITS = st.lists(
    st.tuples(st.integers(0, 20), st.sampled_from(["drop", "put", "change"]), st.sampled_from(WORDS)), max_size=5
)


def edited(lines: list[str], edits: list[tuple[int, str, str]]) -> list[str]:
    made = list(lines)
    for place, kind, word in edits:
        at = place % (len(made) + 1)
        if kind == "put":
            made.insert(at, word)
        elif at < len(made):
            made[at : at + 1] = [] if kind == "drop" else [word]
    return made


def text_of(lines: list[str], ends: bool) -> bytes:
    return ("\n".join(lines) + ("\n" if lines and ends else "")).encode("latin-1")


def lines_of(text: bytes) -> list[bytes]:
    """The lines as git counts them: each with its end."""
    return text.splitlines(keepends=True) if b"\r" not in text else [*_split(text)]


def _split(text: bytes) -> list[bytes]:
    parts = text.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def longest_common(old: list[bytes], new: list[bytes]) -> int:
    """The most lines that can be kept in order, by the plain table."""
    table = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i, one in enumerate(old):
        for j, other in enumerate(new):
            table[i + 1][j + 1] = table[i][j] + 1 if one == other else max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


SLOW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SLOW
@given(LINES, EDITS, st.booleans(), st.booleans())
def test_a_line_that_has_a_successor_has_the_same_text_there(
    blobs: Blobs, lines: list[str], edits: list[tuple[int, str, str]], end_before: bool, end_after: bool
) -> None:
    old, new = text_of(lines, end_before), text_of(edited(lines, edits), end_after)
    before, after = lines_of(old), lines_of(new)
    line_map = blobs.line_map(old, new)
    pairs = [(n, to) for n in range(1, len(before) + 1) if (to := line_map.successor(n)) is not None]
    assert [after[to - 1] for _, to in pairs] == [before[n - 1] for n, _ in pairs]
    successors = [to for _, to in pairs]
    assert successors == sorted(set(successors))
    assert sorted([*successors, *line_map.added_lines()]) == list(range(1, len(after) + 1))
    assert len(pairs) == longest_common(before, after)


@SLOW
@given(LINES, st.lists(st.tuples(st.integers(0, 20), st.just("put"), st.sampled_from(WORDS)), max_size=5))
def test_no_line_is_lost_where_lines_were_only_put_in(
    blobs: Blobs, lines: list[str], edits: list[tuple[int, str, str]]
) -> None:
    old, new = text_of(lines, True), text_of(edited(lines, edits), True)
    line_map = blobs.line_map(old, new)
    assert None not in [line_map.successor(number) for number in range(1, len(lines) + 1)]
    assert len(line_map.added_lines()) == len(edits)


def test_a_file_of_many_hunks_maps_each_line_to_where_it_stands(blobs: Blobs) -> None:
    old = [f"line {number}" for number in range(1000)]
    new = [line for number, line in enumerate(old) if number % 7] + ["end"]
    new = [part for line in new for part in ((line, "put in") if line.endswith("5") else (line,))]
    line_map = blobs.line_map(text_of(old, True), text_of(new, True))
    expected = [None if number % 7 == 0 else new.index(f"line {number}") + 1 for number in range(1000)]
    assert [line_map.successor(number + 1) for number in range(1000)] == expected


ODD_NAMES = [
    b"plain.py",
    b"with space",
    b"tab\tin",
    b"new\nline",
    b'quo"te',
    b"-rf",
    b"--stat",
    b"back\\slash",
    b"caf\xe9.py",
    "ünï".encode(),
    b":(top)x",
    b"*.py",
    b"index a..b",
    b"\x01",
]


def test_files_of_any_name_have_their_own_line_map(blobs: Blobs) -> None:
    old = {name: b"a\nb\nc\n" + name + b"\n" for name in ODD_NAMES}
    new = {name: b"new\n" * (place + 1) + content for place, (name, content) in enumerate(old.items())}
    one, other = blobs.tree(old), blobs.tree(new)
    maps = line_maps(blobs.git, one, other, changes(blobs.git, one, other))
    assert {path: line_map.successor(2) for path, line_map in maps.items()} == {
        path_text(name): place + 3 for place, name in enumerate(ODD_NAMES)
    }


def test_only_the_wanted_files_are_compared(blobs: Blobs) -> None:
    one, other = blobs.tree({b"a": b"1\n", b"b": b"1\n"}), blobs.tree({b"a": b"2\n", b"b": b"2\n"})
    wanted = [change for change in changes(blobs.git, one, other) if change.old_path == "b"]
    assert line_maps(blobs.git, one, other, wanted).keys() == {"b"}


def test_files_that_changed_alike_each_have_their_map(blobs: Blobs) -> None:
    one, other = blobs.tree({b"a": b"1\n", b"b": b"1\n"}), blobs.tree({b"a": b"0\n1\n", b"b": b"0\n1\n"})
    maps = line_maps(blobs.git, one, other, changes(blobs.git, one, other))
    assert {path: line_map.successor(1) for path, line_map in maps.items()} == {"a": 2, "b": 2}


TEXT = "".join(f"line {number}\n" for number in range(30))


@pytest.mark.parametrize("new_name", ["src/moved.py", 'odd\nna\tme "x"', "caf\udce9.py", "-dash"])
def test_a_renamed_file_keeps_the_map_of_its_lines(repo: Repo, new_name: str) -> None:
    since = repo.commit({"long.py": TEXT})
    (repo.root / "long.py").unlink()
    target = repo.root / new_name
    target.write_text("first\n" + TEXT.replace("line 7\n", "other 7\n"))
    until = repo.commit()
    git = repository_at(repo.root).git
    (change,) = changes(git, since, until)
    new = path_text(new_name.encode("utf-8", "surrogateescape"))
    assert change[:3] == ("R", "long.py", new)
    line_map = line_maps(git, since, until, [change])["long.py"]
    assert [line_map.successor(number) for number in (1, 7, 8, 9, 30)] == [2, 8, None, 10, 31]
    assert changed_lines(git, since, until) == {new: [range(1, 2), range(9, 10)]}


def test_a_rename_without_an_edit_needs_no_map(repo: Repo) -> None:
    since = repo.commit({"long.py": TEXT})
    repo.git("mv", "long.py", "moved.py")
    until = repo.commit()
    git = repository_at(repo.root).git
    every = changes(git, since, until)
    assert [change[:3] for change in every] == [("R", "long.py", "moved.py")]
    assert line_maps(git, since, until, every) == {}


def test_each_kind_of_change_has_its_letter(repo: Repo) -> None:
    since = repo.commit({"edited": TEXT, "mode": "m\n", "gone": "other\n" * 9, "typed": "t\n"})
    repo.write({"edited": "x\n" + TEXT, "added": "brand new\n"})
    (repo.root / "mode").chmod(0o755)
    (repo.root / "gone").unlink()
    (repo.root / "typed").unlink()
    (repo.root / "typed").symlink_to("mode")
    until = repo.commit()
    found = changes(repository_at(repo.root).git, since, until)
    assert {change.old_path: (change.letter, change.new_path) for change in found} == {
        "added": ("A", "added"),
        "edited": ("M", "edited"),
        "gone": ("D", "gone"),
        "mode": ("M", "mode"),
        "typed": ("T", "typed"),
    }
    assert {change.old_path for change in found if change.old_blob == change.new_blob} == {"mode"}


def test_without_rename_detection_a_move_is_two_changes(repo: Repo) -> None:
    since = repo.commit({"long.py": TEXT})
    repo.git("mv", "long.py", "moved.py")
    until = repo.commit()
    found = changes(repository_at(repo.root).git, since, until, renames=False)
    assert [(change.letter, change.new_path) for change in found] == [("D", "long.py"), ("A", "moved.py")]


def test_raw_output_of_git_is_read_record_by_record() -> None:
    zeros, one, two = "0" * 40, "1" * 40, "2" * 40
    raw = (
        f":100644 100644 {one} {two} M\0a\nb\0:100644 100644 {one} {two} R087\0old\0new\0"
        f":000000 100644 {zeros} {two} A\0caf"
    ).encode() + b"\xe9\0"
    assert raw_changes(raw) == [
        Change("M", "a\nb", "a\nb", one, two, new_mode="100644"),
        Change("R", "old", "new", one, two, new_mode="100644"),
        Change("A", "caf\U0010ffe9", "caf\U0010ffe9", zeros, two, new_mode="100644"),
    ]


@pytest.mark.parametrize(
    "settings_of_the_repository",
    swept(
        [
            {"diff.interHunkContext": "50"},
            {"diff.context": "10"},
            {"diff.noprefix": "true"},
            {"diff.mnemonicPrefix": "true"},
            {"diff.algorithm": "histogram"},
            {"diff.renames": "false"},
            {"diff.orderFile": "/dev/null"},
            {"color.ui": "always", "color.diff": "always"},
            {"core.quotePath": "false"},
            {"diff.suppressBlankEmpty": "true"},
            {"diff.external": "false"},
            {"diff.submodule": "diff"},
        ]
    ),
)
def test_the_settings_of_a_repository_do_not_change_the_maps(
    repo: Repo, settings_of_the_repository: dict[str, str]
) -> None:
    since = repo.commit({"long.py": TEXT})
    until = repo.commit({"long.py": TEXT.replace("line 3\n", "x\n").replace("line 9\n", "").replace("line 12", "y")})
    for key, value in settings_of_the_repository.items():
        repo.git("config", key, value)
    git = repository_at(repo.root).git
    assert changed_lines(git, since, until) == {"long.py": [range(4, 5), range(10, 10), range(12, 13)]}


@pytest.mark.parametrize("attribute", ["-diff", "binary", "diff=evil", "-text", "text eol=crlf"])
def test_the_attributes_of_a_file_do_not_hide_its_lines(repo: Repo, attribute: str) -> None:
    since = repo.commit({"long.py": TEXT, ".gitattributes": f"*.py {attribute}\n"})
    until = repo.commit({"long.py": "first\n" + TEXT})
    repo.git("config", "diff.evil.binary", "true")
    git = repository_at(repo.root).git
    assert changed_lines(git, since, until) == {"long.py": [range(1, 2)]}


def test_a_link_and_a_file_in_one_place_are_compared_as_texts(repo: Repo) -> None:
    since = repo.commit({"place": TEXT})
    (repo.root / "place").unlink()
    (repo.root / "place").symlink_to("README.md")
    until = repo.commit()
    git = repository_at(repo.root).git
    line_map = line_maps(git, since, until, changes(git, since, until))["place"]
    assert [line_map.successor(number) for number in (1, 30)] == [None, None]


def test_a_file_that_became_a_submodule_has_no_lines_left(repo: Repo) -> None:
    since = repo.commit({"place": TEXT})
    repo.git("rm", "-q", "--cached", "place")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},place")
    repo.git("commit", "-q", "-m", "a submodule")
    until = repo.head
    git = repository_at(repo.root).git
    every = changes(git, since, until)
    assert [change.letter for change in every] == ["T"]
    line_map = line_maps(git, since, until, every)["place"]
    assert [line_map.successor(number) for number in (1, 30)] == [None, None]


def test_more_files_than_one_call_takes_are_compared_in_several(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    from swarm.git import diff

    names = [f"f{number}".encode() for number in range(7)]
    one = blobs.tree({name: name for name in names})
    other = blobs.tree({name: b"new\n" + name for name in names})
    monkeypatch.setattr(diff, "MOST_PATHSPECS", 3)
    maps = line_maps(blobs.git, one, other, changes(blobs.git, one, other))
    assert {path: line_map.successor(1) for path, line_map in maps.items()} == {name.decode(): 2 for name in names}


BYTES = st.binary(min_size=1, max_size=8).filter(lambda raw: b"\0" not in raw and b"/" not in raw)


@given(st.lists(st.tuples(st.sampled_from("AMDTRC"), BYTES, BYTES), max_size=6))
def test_what_git_lists_of_any_names_is_read_whole(told: list[tuple[str, bytes, bytes]]) -> None:
    raw, expected = b"", []
    for letter, old, new in told:
        paths = [old, new] if letter in "RC" else [old]
        score = b"100" if letter in "RC" else b""
        raw += b":100644 100755 " + b"1" * 40 + b" " + b"2" * 40 + b" " + letter.encode() + score + b"\0"
        raw += b"".join(path + b"\0" for path in paths)
        expected.append((letter, path_text(paths[0]), path_text(paths[-1])))
    assert [(one.letter, one.old_path, one.new_path) for one in raw_changes(raw)] == expected
