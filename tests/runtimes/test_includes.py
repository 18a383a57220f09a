"""Sources that a file which they include blinds, or that include a file outside of their tree."""

import os
from pathlib import Path

import pytest

from swarm.runtimes.includes import Included
from swarm.runtimes.own_tree import RealPaths


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "outside.h").write_text("")
    folder = tmp_path / "tree"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "bad.h").write_text("")
    (folder / "link").symlink_to(folder / "sub")
    return folder


@pytest.mark.parametrize(
    ("text", "is_blinded"),
    [
        ('#include "sub/bad.h"', True),
        ('  #\tinclude"./sub/../link/bad.h" // why', True),
        ('#inclu\\\nde "sub\\bad.h"', True),
        ('/* /* */ # /*\n*/ include /**/ "sub/bad.h"', True),
        ('char *s = "/*";\n#include "sub/bad.h"', True),
        ("#define A(x) #x\n#include A(sub/bad.h)", True),
        ('#include "sub/bad.h', True),
        ("#include 'sub/bad.h'", True),
        ('%: include "sub/bad.h"', True),
        ('??=include "sub/bad.h"', True),
        ('char *s = R"(" /* )";\n#include "sub/bad.h"\n/**/', True),
        ('\ufeff#include "sub/bad.h"', True),
        ('int x;\r#include "sub/bad.h"\r', True),
        ('\x01#\x00include\x02"sub/bad.h"', True),
        ('#include "sub/bad.h\x00.c"', True),
        ('#include "sub/\x00bad.h"', False),
        ("#define A bad.h\n", False),
        ('#include "bad.h"', False),
        ("#include <sub/bad.h>", False),
        ('/*\n#include "sub/bad.h"\n*/', False),
        ('// \\\n#include "sub/bad.h"', False),
        ("#include A", False),
    ],
)
def test_a_source_is_blinded_by_each_form_of_an_include_that_a_parser_follows(
    tree: Path, text: str, is_blinded: bool
) -> None:
    (tree / "a.c").write_text(text)
    (tree / "other.c").write_text("int x;\n")
    assert Included(tree, ["a.c", "other.c"]).blinded(["sub/bad.h"]) == ({"a.c"} if is_blinded else set())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_a_source_is_blinded_in_either_order_of_the_bytes_of_utf_16(tree: Path, encoding: str) -> None:
    mark = "" if encoding == "utf-16" else "\ufeff"
    (tree / "a.c").write_text(f'{mark}#include "sub/bad.h"\n', encoding=encoding)
    assert Included(tree, ["a.c"]).blinded(["sub/bad.h"]) == {"a.c"}


@pytest.mark.parametrize("name", ["../outside.h", "sub/../../outside.h", "link/../../outside.h", "led.h", "ring.h"])
def test_a_source_leads_outside_by_dots_links_and_other_files(tree: Path, name: str) -> None:
    (tree / "led.h").symlink_to(tree.parent / "outside.h")
    (tree / "ring.h").write_text('#include "ring.h"\n#include "sub/next.h"\n')
    (tree / "sub" / "next.h").write_text('#include "../ring.h"\n#include "../../outside.h"\n')
    (tree / "a.c").write_text(f'#include "{name}"\n#include "no/such.h"\n#include "../../missing.h"\n')
    assert Included(tree, ["a.c"]).leading_outside() == {"a.c"}


@pytest.mark.parametrize("name", ['"{}/outside.h"', "<{}/outside.h>", "STR({}/outside.h)", '"../../outside.h"'])
def test_a_macro_that_names_a_file_outside_leads_there_where_a_file_is_included_by_a_macro(
    tree: Path, name: str
) -> None:
    (tree / "sub" / "names.h").write_text(f"#define STR(x) #x\n#define NAME {name.format(tree.parent)}\n")
    (tree / "a.c").write_text('#include "sub/names.h"\n#include NAME\n')
    (tree / "b.c").write_text('#include "sub/names.h"\n')
    (tree / "c.c").write_text('#define NAME "sub/bad.h"\n#include NAME\n')
    assert Included(tree, ["a.c", "b.c", "c.c"]).leading_outside() == {"a.c"}


def test_an_absolute_name_leads_outside_in_either_kind_of_brackets_and_a_missing_file_nowhere(tree: Path) -> None:
    (tree / "a.c").write_text(f"#include <{tree.parent}/outside.h>\n")
    (tree / "b.c").write_text(f'#include "{tree}/sub/bad.h"\n#include "{tree.parent}/missing.h"\n#include <stdio.h>\n')
    assert Included(tree, ["a.c", "b.c"]).leading_outside() == {"a.c"}


@pytest.mark.parametrize(
    "name",
    [
        "sub/bad.h",
        "./sub//bad.h",
        "link/bad.h",
        "link/../x",
        "..",
        ".",
        "",
        "led.h",
        "gone/x",
        "ring.h",
        "/etc/./hosts",
    ],
)
def test_real_paths_are_those_of_the_file_system(tree: Path, name: str) -> None:
    (tree / "led.h").symlink_to(tree.parent / "outside.h")
    (tree / "ring.h").symlink_to(tree / "ring.h")
    real = RealPaths(tree / "link" / "..")
    for _ in range(2):
        assert real.of(name) == os.path.realpath(tree / name)
    assert (real.holds("led.h"), real.holds("sub/bad.h"), real.holds("sub/\0")) == (False, True, False)
