"""Conditions around lines of C sources, and what an edit of directives changes."""

import pytest

from swarm.rules.preprocessing import Preprocessed


@pytest.mark.parametrize(
    ("text", "around"),
    [
        ("int a;\nHERE\n", None),
        ("#if 0\nHERE\n#endif\n", "#if 0"),
        ("#if 0\n#endif\nHERE\n", None),
        ("#if A\n#if 0\nint a;\n#endif\nHERE\n#endif\n", "#if A"),
        ("#if 0\n/*\n#endif\n*/\nHERE\n#endif\n", "#if 0"),
        ("#if 0\n// \\\n#endif\nHERE\n#endif\n", "#if 0"),
        ('#if 0\n"/*"\nHERE\n#endif\n/**/', "#if 0"),
        ('R"(\n/*)"\n#if 0\nHERE\n#endif\n/**/', "#if 0"),
        ("#if A && \\\r\n  B\r\nHERE\r\n#endif\r\n", "#if A && B"),
        ("/* a\n*/ # ifdef A\nHERE\n", "#ifdef A"),
        ("#endif\nHERE\n#if 0\n", None),
        ("#ifndef A\n#define A\nHERE\n#endif\n", None),
        ("#ifndef A\n#define A\n#endif\n#if 0\nHERE\n#endif\n", "#if 0"),
        ("#ifndef A\n#define A\n#if 0\nHERE\n#endif\n#endif\n", "#if 0"),
        ("#ifndef A\n#define B\nHERE\n#endif\n", "#ifndef A"),
        ("#pragma asm\nHERE\n#pragma endasm\n", "#pragma asm"),
        ("#pragma once\nHERE\n", None),
    ],
)
def test_the_condition_around_a_line(text: str, around: str | None) -> None:
    line = text[: text.index("HERE")].count("\n") + 1
    region = Preprocessed(text).around([(line, line)])
    assert (region and region.text) == around


@pytest.mark.parametrize(
    ("line", "steers"),
    [
        ("#define A", True),
        ("#undef A", True),
        ('#include "a.h"', True),
        ("#elif A", True),
        ("#pragma asm", True),
        ("#include <a.h>", False),
        ("#pragma once", False),
        ("#error a", False),
        ("int a;", False),
        ("// #define A", False),
    ],
)
def test_directives_that_decide_which_code_is_read(line: str, steers: bool) -> None:
    assert (Preprocessed(f"{line}\nint b;\n").steering() != Preprocessed("int b;\n").steering()) is steers


def test_names_of_included_files_and_lines_of_another_place() -> None:
    source = Preprocessed(
        '#include "a.h"\n# include "b/c.h" // "d.h"\n#include <e.h>\n#include F\n#line 3 "g.c"\n# 4 "h.c"\n'
    )
    assert source.included() == {"a.h", "b/c.h"}
    assert source.includes_by_macro()
    assert source.renumbering() == {'line 3 "g.c"', '4 "h.c"'}
