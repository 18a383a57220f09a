"""Silence of an analyzer about C sources that their preprocessor keeps from it."""

from pathlib import Path

import pytest

from tests.conftest import Repo, Swarm


def code(number: int) -> str:
    return f"int read_{number}(void)\n{{\n    int count;\n    return count;\n}}\n"


NOT_READ = ("unverified", "the analyzer did not read the file")
# By source: what stands before its code after a change, the other files of the change, and the state of its finding.
BLINDED: dict[str, tuple[str, dict[str, str], tuple[str, str | None]]] = {
    "error": ("#error not here\n", {}, NOT_READ),
    "error_in_header": ('#include "stop.h"\n', {"src/stop.h": "#error not here\n"}, NOT_READ),
    "error_in_next_header": ('#include "far/a.h"\n', {"src/far/a.h": '# include "../stop.h"\n'}, NOT_READ),
    "second_of_the_header": ('/* " */ #include "stop.h" // "\n', {}, NOT_READ),
    "header_by_macro": ('#define HEADER "stop.h"\n#include HEADER\n', {}, NOT_READ),
    "header_by_call": ("#define NAMED(x) #x\n#include NAMED(stop.h)\n", {}, NOT_READ),
    "garbage": ('#include "garbage.txt"\n', {"src/garbage.txt": ") no ( code { at all\n"}, NOT_READ),
    "itself": ('#include "itself.c"\n', {}, NOT_READ),
    "condition": ("#if 1 / 0\n#endif\n", {}, NOT_READ),
    "macro_of_the_parser": ("#define END ) {\nvoid broken(void END END }\n", {}, NOT_READ),
    "directive_in_a_call": ("#define SAME(a) a\n#if SAME(\n#endif\n", {}, NOT_READ),
    "odd_byte": ("int \udcff;\n", {}, NOT_READ),
    "unknown_macro": ("EXPORTED(a, b) int other(void)\n", {}, NOT_READ),
    "string_of_a_header": ('const char *other = "\\"#include \\\\\\"stop.h\\\\\\"";\n', {}, ("recurring", None)),
}


@pytest.fixture
def sources(swarm: Swarm, repo: Repo) -> dict[str, str]:
    """cppcheck found a defect in each source; returns the ids by source."""
    for name in ("src/app.py", "src/tool.py", "tests/test_app.py"):
        (repo.root / name).unlink()
    repo.commit({f"src/{name}.c": code(at) for at, name in enumerate([*BLINDED, "fixed", "outside"])})
    swarm("audit", ".", exit=1)
    listed = swarm("findings", "--format", "json", exit=1).data["findings"]
    return {Path(item["file"]).stem: item["findingId"] for item in listed}


def states(swarm: Swarm) -> dict[str, tuple[str, str | None]]:
    listed = swarm("findings", "--status", "all", "--format", "json", exit=1).data["findings"]
    return {item["findingId"]: (item["status"], item["reason"]) for item in listed}


def test_what_a_source_includes_can_blind_the_analyzer_and_no_blinded_source_is_fixed(
    swarm: Swarm, repo: Repo, sources: dict[str, str], tmp_path: Path
) -> None:
    outside = tmp_path / "outside.h"
    outside.write_text("#error a secret of somebody\n")
    (repo.root / "src/link.h").symlink_to(outside)
    for at, (name, (before, _, _)) in enumerate(BLINDED.items()):
        (repo.root / f"src/{name}.c").write_bytes((before + code(at)).encode("utf-8", "surrogateescape"))
    repo.commit(
        {name: text for _, added, _ in BLINDED.values() for name, text in added.items()}
        | {
            "src/fixed.c": code(98).replace("count;", "count = 0;", 1),
            "src/outside.c": '#include "link.h"\n' + code(99),
        }
    )
    answer = swarm("audit", ".", "--format", "json", exit=3)
    found = states(swarm)
    expected = {name: state for name, (_, _, state) in BLINDED.items()} | {"outside": NOT_READ}
    assert {name: found[sources[name]] for name in expected} == expected
    assert found[sources["fixed"]][0] == "fixed"
    blinded = sorted(f"src/{name}.c" for name, (status, _) in expected.items() if status == "unverified")
    assert answer.data["lookedAt"]["notRead"] == blinded
    # Nothing of a file outside of the repository is shown.
    assert "secret" not in swarm("findings", "--status", "all", exit=1).out + answer.out + answer.err


MACROS = "".join(f"#ifdef A{at}\nint a{at};\n#endif\n" for at in range(14))
DIRECTIVES = "directives were edited"
# By source: its text before and after a change, other files of the change, and the state of its finding.
HIDDEN: dict[str, tuple[str, str, dict[str, str], str, str]] = {
    "never": ("{}", "#if 0\n{}#endif\n", {}, "unverified", f"within `#if 0` of line 1, and {DIRECTIVES}"),
    "both": ("{}", "#if defined(A) && !defined(A)\n{}#endif\n", {}, "unverified", DIRECTIVES),
    "not_here": ("{}", '#if __has_include("no.h")\n{}#endif\n', {}, "unverified", DIRECTIVES),
    "assembler": ("{}", "#pragma asm\n{}#pragma endasm\n", {}, "unverified", DIRECTIVES),
    "many": (
        "{}",
        MACROS + "#ifdef Z\n{}#endif\n",
        {},
        "unverified",
        f"within `#ifdef Z` of line 43, and {DIRECTIVES}",
    ),
    "edited": ("{}", "#if 0\n{}#endif\n", {}, "unverified", DIRECTIVES),
    "moved_down": ("{}", "int a;\n/*\n*/ # if /* */ 0\n{}#endif\n", {}, "unverified", DIRECTIVES),
    "raw_string": ("{}", 'char a[] = R"(\n/*)";\n#if 0\n{}#endif\n/**/\n', {}, "unverified", DIRECTIVES),
    "no_else": (
        "#ifdef A\n#else\n{}#endif\n",
        "#if 0\n#else\nint a;\n#elif 1\n{}#endif\n",
        {},
        "unverified",
        DIRECTIVES,
    ),
    "other_macro": ("#if A < 2\n{}#endif\n", "#define A 2\n#if A < 2\n{}#endif\n", {}, "unverified", DIRECTIVES),
    "by_header": (
        '#include "by.h"\n#if B < 2\n{}#endif\n',
        '#include "by.h"\n#if B < 2\n{}#endif\n',
        {},
        "unverified",
        DIRECTIVES,
    ),
    "numbered": (
        "{}",
        '#line 7 "other.c"\n{}',
        {},
        "unverified",
        '`#line 7 "other.c"` gives lines of its file another place',
    ),
    "reported": ("{}", "#ifdef A\n{}#endif\n", {}, "recurring", ""),
}
HONEST = {
    "fix": ("{}", "#ifdef A\nint a;\n#endif\n{}"),
    "fix_within": ("#ifdef A\n{}#endif\n", "#ifdef A\n#include <math.h>\n{}#endif\n"),
    "fix_in_guard": ("#ifndef B\n#define B\n{}#endif\n", "#ifndef B\n#define B\n#define C\n{}#endif\n"),
}
# A rule whose reports rest on a declaration of a header.
LOST: dict[str, tuple[str, str]] = {
    "no_longer": ("", "its file no longer includes src/count.h"),
    "another": ('#include "counts.h"\n', "its file no longer includes src/count.h"),
    "removed": ('#include "removed.h"\n', "its file no longer includes src/removed.h"),
}


def test_code_that_a_condition_can_hide_from_the_analyzer_is_not_fixed(swarm: Swarm, repo: Repo) -> None:
    before = {name: old for name, (old, *_) in HIDDEN.items()} | {name: old for name, (old, _) in HONEST.items()}
    after = {name: new for name, (_, new, *_) in HIDDEN.items()} | {name: new for name, (_, new) in HONEST.items()}
    headers = {"src/by.h": "#define B 1\n"} | {
        at: text for _, _, files, *_ in HIDDEN.values() for at, text in files.items()
    }
    repo.commit(
        {f"src/{name}.c": text.replace("{}", code(at)) for at, (name, text) in enumerate(before.items())} | headers
    )
    swarm("audit", ".", exit=1)
    listed = swarm("findings", "--format", "json", "--rule", "uninitvar", exit=1).data["findings"]
    ids = {Path(item["file"]).stem: item["findingId"] for item in listed}
    assert set(ids) == set(before)
    edits = {"src/by.h": "#define B 2\n"}
    for at, (name, text) in enumerate(after.items()):
        now = code(at).replace("int count;", "int count = 0;") if name in HONEST else code(at)
        edits[f"src/{name}.c"] = text.replace(
            "{}", now.replace("return count", "return count + 1") if name == "edited" else now
        )
    repo.commit(edits)
    swarm("audit", ".", exit=None)
    found = states(swarm)
    expected = {name: (status, reason) for name, (*_, status, reason) in HIDDEN.items()}
    seen = {name: found[ids[name]] for name in expected}
    wrong = {
        name: seen[name]
        for name, (status, reason) in expected.items()
        if seen[name][0] != status or not (seen[name][1] or "").endswith(reason)
    }
    assert wrong == {}
    # An analyzer that is asked again is silent for the same reasons.
    rows = swarm("verify-unverified", "--format", "json", exit=None).data["findings"]
    classes = {row["finding_id"]: row["classification"] for row in rows}
    assert {name for name in HIDDEN if classes.get(ids[name]) == "verified"} == set()
    assert {name: found[ids[name]][0] for name in HONEST} == dict.fromkeys(HONEST, "fixed")
    # Nor does a later audit forget the commit in which the finding was seen.
    repo.commit({"src/later.c": "int later;\n"})
    swarm("audit", ".", exit=None)
    found = states(swarm)
    assert {name: found[ids[name]][0] for name in HIDDEN} == {name: state[3] for name, state in HIDDEN.items()}


def test_a_source_that_no_longer_includes_a_file_of_the_repository_is_not_fixed(swarm: Swarm, repo: Repo) -> None:
    header = "#define COUNT int count\n"
    text = code(0).replace("int count", "COUNT")
    repo.commit(
        {f"src/{name}.c": f'#include "count.h"\n{text}' for name in ("no_longer", "another", "renamed")}
        | {"src/removed.c": f'#include "removed.h"\n{text}', "src/count.h": header, "src/removed.h": header}
    )
    swarm("audit", ".", exit=1)
    ids = {
        Path(item["file"]).stem: item["findingId"]
        for item in swarm("findings", "--format", "json", "--rule", "uninitvar", exit=1).data["findings"]
    }
    repo.commit({f"src/{name}.c": before + text for name, (before, _) in LOST.items()})
    (repo.root / "src/removed.h").unlink()
    repo.commit({"src/renamed.c": '#include "count.h"\n' + text.replace("COUNT", "COUNT = 0")})
    swarm("audit", ".", exit=None)
    found = states(swarm)
    assert {name: found[ids[name]] for name in LOST} == {
        name: ("unverified", reason) for name, (_, reason) in LOST.items()
    }
    assert found[ids["renamed"]][0] == "fixed"
