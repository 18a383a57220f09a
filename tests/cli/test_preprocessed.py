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
