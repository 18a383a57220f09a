"""Renames that git does not see: a removed file and an added file with the same lines but for white space."""

from collections.abc import Mapping

from swarm.rules import renames


def renamed(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    return renames.renamed(old.items(), new.items())


TEXT = "def load(path):\n    text = read(path)\n    return parse(text)\n\n\ndef save(path):\n    write(path, dump())\n"


def test_a_file_that_was_indented_anew_is_found_under_its_new_name() -> None:
    anew = "class Store:\n" + "".join(f"    {line}\n" for line in TEXT.splitlines())
    assert renamed({"a.py": TEXT}, {"b.py": "import os\n\n\ndef other():\n    return os.name\n", "c.py": anew}) == {
        "a.py": "c.py"
    }


def test_the_likest_file_wins_and_each_file_is_given_once() -> None:
    most = TEXT + "\n\ndef more(path):\n    return load(path)\n"
    old = {"a.py": TEXT, "b.py": most}
    assert renamed(old, {"x.py": TEXT.replace("  ", "\t"), "y.py": most.replace("  ", "\t")}) == {
        "a.py": "x.py",
        "b.py": "y.py",
    }
    assert renamed(old, {"x.py": TEXT.replace("  ", "\t")}) == {"a.py": "x.py"}


def test_half_of_the_lines_must_be_the_same_and_short_lines_say_nothing() -> None:
    assert renamed({"a.py": TEXT}, {"x.py": TEXT + "other_line = 1\n" * 6}) == {}
    assert renamed({"a.c": "}\n" * 50}, {"x.c": "}\n" * 50}) == {}
    assert renamed({"a.c": ""}, {"x.c": ""}) == {}


def test_lines_that_very_many_files_share_say_nothing() -> None:
    assert renamed({"a.py": TEXT}, {f"{number}.py": TEXT for number in range(50)}) == {}
