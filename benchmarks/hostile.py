"""Inputs that an agent, a repository or a tool chooses: the time at n and at 2n, and the exponent of the growth.

The time is what the command and its children use of a processor, so that a loaded machine measures the same. The time
of the same scene with n = 1 is taken off first: it is the start of the programs, and would hide the growth.
`SWARM_HOSTILE=NAME,NAME` measures only the named kinds.
"""

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from measure import SWARM, folder, run, swarm, tell
from scenes import PHASE, commit, map_of, repository

# n log n at these sizes, with room for the noise of a measurement; the square is 2.
GOAL: Final = 1.35
# Below these seconds more than with n = 1 a cost has no exponent: the noise is larger.
LEAST: Final = 0.15
AMEND: Final = "health-amend-a"


def main() -> None:
    only = os.environ.get("SWARM_HOSTILE", "")
    for name, (n, measured) in KINDS.items():
        if only and name not in only.split(","):
            continue
        none, once, twice = (_cpu(measured, size) for size in (1, n, 2 * n))
        grown = twice - none
        exponent = math.log2(grown / max(once - none, 0.001)) if grown > LEAST else 0.0
        facts = {"n": n, "seconds_at_n": once, "seconds_at_2n": twice, "seconds_at_1": none}
        tell("hostile", name, exponent, "exponent", goal=GOAL, **facts)


def _cpu(measured: Callable[[Path, int], float], size: int) -> float:
    with folder() as made:
        return measured(made, size)


def reports(n: int, **fields: Callable[[int], object]) -> list[dict[str, Any]]:
    """Return n findings with these fields, each made of the finding's position."""
    plain = {"severity": "LOW", "category": "bug", "file": "app.js", "description": "d"}
    made = ({name: field(at) for name, field in fields.items()} for at in range(n))
    return [{"id": str(at), **plain, **own} for at, own in enumerate(made)]


def wave(root: Path, run_id: str, answer: Mapping[str, object], phase: str = PHASE) -> Path:
    """Dispatch a wave, answer it for its only agent, and return the agent's worktree."""
    (agent,) = swarm("dispatch", run_id, phase, "--isolate", cwd=root)["agents"]
    text = json.dumps({"domain": agent["domain"], "summary": "s", **answer})
    Path(agent["outputPath"]).write_text(text, encoding="utf-8")
    return Path(agent["worktreePath"])


def audit(root: Path, run_id: str, findings: Sequence[Mapping[str, object]]) -> None:
    wave(root, run_id, {"stage": "A", "findings": findings})


def collect(root: Path) -> float:
    return run(SWARM, "collect", cwd=root, expect=(0, 1)).cpu


def scene(made: Path, files: Mapping[str, str], glob: str = "**") -> tuple[Path, str]:
    """Make a repository of these files and a run of it with a single domain."""
    root = repository(made, ((path, text.encode()) for path, text in files.items()))
    return root, map_of(root, [("all", glob)])


def audited(made: Path, text: str, findings: Sequence[Mapping[str, object]], path: str = "app.js") -> float:
    """Return the cost of the collect of these findings in a file."""
    root, run_id = scene(made, {path: text})
    audit(root, run_id, findings)
    return collect(root)


def audited_twice(
    made: Path, texts: tuple[str, str], first: Sequence[Mapping[str, object]], second: Sequence[Mapping[str, object]]
) -> float:
    """Return the cost of the second collect, after the file was rewritten."""
    root, run_id = scene(made, {"app.js": texts[0]})
    audit(root, run_id, first)
    collect(root)
    commit(root, [("app.js", texts[1].encode())])
    audit(root, run_id, second)
    return collect(root)


def lines_of(n: int, form: str = "  call_{0}(value_{0});") -> str:
    return "".join(form.format(at) + "\n" for at in range(n))


def on_lines(n: int, **more: Callable[[int], object]) -> list[dict[str, Any]]:
    return reports(n, line=lambda at: at + 1, **more)


# --- kinds --------------------------------------------------------------------------------------------------


def identical_lines(made: Path, n: int) -> float:
    return audited(made, "  check(x);\n" * n, on_lines(n, quote=lambda _: "  check(x);"))


def identical_lines_far_away(made: Path, n: int) -> float:
    findings = reports(n, line=lambda at: 2 * n + at, quote=lambda _: "check(x);", symbol=lambda _: "nothing")
    return audited(made, "  check(x);\n" * n, findings)


def blank_lines(made: Path, n: int) -> float:
    return audited(made, "\n" * n + "end();\n", on_lines(n))


def wrong_quotes(made: Path, n: int) -> float:
    return audited(made, lines_of(n), reports(n, quote=lambda at: f"nothing of this kind {at} stands there"))


def wrong_quotes_with_lines(made: Path, n: int) -> float:
    return audited(made, lines_of(n), on_lines(n, quote=lambda at: f"nothing of this kind {at} stands there"))


def one_long_line(made: Path, n: int) -> float:
    """Report a line of n characters 300 times."""
    text = "head();\n" + "f(x);" * (n // 5) + "\ntail();\n"
    return audited(made, text, reports(300, line=lambda _: 2, quote=lambda at: f"head(); and then something {at}"))


def open_strings(made: Path, n: int) -> float:
    findings = reports(1, line=lambda _: 2, file=lambda _: "app.py")
    return audited(made, '\\"""' * n + "\nx = 1\n", findings, "app.py")


def escaped_quotes(made: Path, n: int) -> float:
    findings = reports(1, line=lambda _: 2, file=lambda _: "app.py")
    return audited(made, 'x = "' + '\\"' * n + "\ny = 1\n", findings, "app.py")


def deep_definitions(made: Path, n: int) -> float:
    """Nest definitions to the depth of the root of n, and put n lines into the innermost."""
    depth = math.isqrt(n)
    text = "".join(f"{' ' * at}def {'f' * 200}{at}():\n" for at in range(depth))
    text += " " * depth + "x = (\n" + "1,\n" * n + ")\n"
    return audited(made, text, reports(1, line=lambda _: 2, file=lambda _: "app.py"), "app.py")


def rewritten_file(made: Path, n: int) -> float:
    return audited_twice(made, (lines_of(n), lines_of(n, "  other_{0}[key_{0}];")), on_lines(n), [])


def rewritten_identical_lines(made: Path, n: int) -> float:
    """Wrap a file of identical lines into lines of the same text, so that each lost line has n successors."""
    return audited_twice(made, ("  check(x);\n" * n, "if (y) {\n" + "\tcheck(x);\n" * n), on_lines(n), [])


def many_hunks(made: Path, n: int) -> float:
    old = "".join(f"  call_{at}(value_{at});\n  keep_{at}();\n" for at in range(n))
    new = old.replace("call_", "called_")
    findings = reports(n, line=lambda at: 2 * at + 1)
    return audited_twice(made, (old, new), findings, findings)


def equal_messages(made: Path, n: int) -> float:
    """Report a line n times by as many rules, then n times by others, all in the same words."""
    text = lines_of(3)
    first = reports(n, line=lambda _: 2, rule_id=lambda at: f"A{at}")
    second = reports(n, line=lambda _: 2, rule_id=lambda at: f"B{at}")
    return audited_twice(made, (text, text + "end();\n"), first, second)


def bogus_paths(made: Path, n: int) -> float:
    """Name n files that are not there, in a repository with n symbolic links."""
    root, run_id = scene(made, {"app.js": "x();\n"})
    for at in range(n):
        (root / f"link{at}").symlink_to("app.js")
    run("git", "add", "-A", cwd=root)
    run("git", "commit", "-qm", "links", cwd=root)
    audit(root, run_id, reports(n, file=lambda at: f"folder/none{at}.js"))
    return collect(root)


def deep_bogus_paths(made: Path, n: int) -> float:
    root, run_id = scene(made, {"app.js": "x();\n"})
    (root / "link").symlink_to("app.js")
    run("git", "add", "-A", cwd=root)
    run("git", "commit", "-qm", "link", cwd=root)
    audit(root, run_id, reports(n, file=lambda at: "a/" * 1000 + str(at)))
    return collect(root)


def changed_files(made: Path, n: int) -> float:
    """Name n files as changed that are not there, and ask a lease for n others."""
    root, run_id = scene(made, {"app.js": "x();\n"})
    answer = {
        "files_changed": [f"none{at}.js" for at in range(n)],
        "fixes": [{"finding_id": f"F-{at:08X}", "description": "d"} for at in range(n)],
        "requests": [{"file": f"other{at}.js", "reason": "r"} for at in range(n)],
    }
    return amended(root, run_id, lambda _: answer)


def amended(root: Path, run_id: str, work: Callable[[Path], Mapping[str, object]]) -> float:
    """Return the cost of the collect of an amend wave whose agent has one finding and does this work."""
    audit(root, run_id, reports(1, line=lambda _: 1))
    collect(root)
    run(SWARM, "approve", run_id, "--all", cwd=root)
    tree = wave(root, run_id, {"files_changed": [], "fixes": []}, AMEND)
    answer = {"domain": "all", "summary": "s", "files_changed": [], "fixes": [], **work(tree)}
    (output,) = (root / "swarms" / run_id / "wave-2").glob("*/output.json")
    output.write_text(json.dumps(answer), encoding="utf-8")
    return collect(root)


def new_files(made: Path, n: int) -> float:
    def work(tree: Path) -> Mapping[str, object]:
        for at in range(n):
            (tree / f"new{at}.js").write_text(f"{at}\n")
        return {}

    return amended(*scene(made, {"app.js": "x();\n"}), work)


def sparse_file(made: Path, n: int) -> float:
    """Leave a file of n MiB that takes no disk."""

    def work(tree: Path) -> Mapping[str, object]:
        with (tree / "big.js").open("wb") as big:
            big.truncate(n << 20)
        return {}

    return amended(*scene(made, {"app.js": "x();\n"}), work)


def ruff_fixes(made: Path, n: int) -> float:
    """Let ruff fix n imports of one file."""
    root, run_id = scene(made, {"app.py": lines_of(n, "import os as name_{0}")})
    for phase in (PHASE, AMEND):
        swarm("dispatch", run_id, phase, "--isolate", "--runtime", "ruff", cwd=root)
        cost = run(SWARM, "launch", run_id, "--runtime", "ruff", cwd=root).cpu
        collect(root)
        run(SWARM, "approve", run_id, "--all", cwd=root, expect=(0, 1))
    return cost


def suppressions(made: Path, n: int) -> float:
    text = "x(); " + "# swarm: ignore bug " * n + "\n"
    return audited(made, text, reports(50, line=lambda _: 1))


def glob_on_long_names(made: Path, n: int) -> float:
    root = repository(made, [("ab" * (n // 2 + 1), b"x\n")])
    return _map_init(root, ["*!(b)d"])


def _map_init(root: Path, globs: Sequence[str]) -> float:
    (root.parent / "map.json").write_text(json.dumps([{"name": "a", "globs": globs}]), encoding="utf-8")
    return run(SWARM, "init", root, "--domains-from", root.parent / "map.json", cwd=root).cpu


def codeowners(made: Path, n: int) -> float:
    """Give n folders two owners in turn, and every second rule a pattern that can match anywhere."""
    rules = "".join(f"/folder{at}/**/part*/ @team{at % 7}\n*.kind{at} @group{at % 5}\n" for at in range(n))
    files = {"CODEOWNERS": rules, **{f"folder{at}/x/part1/name.kind{at}": "x\n" for at in range(n)}}
    root = repository(made, ((path, text.encode()) for path, text in files.items()))
    return run(SWARM, "init", root, "--domains-from", "codeowners", cwd=root, expect=(0, 1)).cpu


def attributes(made: Path, n: int) -> float:
    """Put n rules into `.gitattributes`."""
    root, run_id = scene(made, {"app.js": "x();\n", ".gitattributes": lines_of(n, "folder{0}/*.js text")})
    return amended(root, run_id, lambda tree: (tree / "new.js").write_text("x\n") and {})


def refs(made: Path, n: int) -> float:
    root, run_id = scene(made, {"app.js": "x();\n"})

    def work(tree: Path) -> Mapping[str, object]:
        del tree
        run("git", "update-ref", "--stdin", cwd=root, stdin=_many_refs(n))
        return {}

    return amended(root, run_id, work)


def _many_refs(n: int) -> Iterator[bytes]:
    return (b"create refs/remotes/origin/b%d HEAD\n" % at for at in range(n))


KINDS: Final[dict[str, tuple[int, Callable[[Path, int], float]]]] = {
    "findings on identical lines": (2000, identical_lines),
    "findings far from identical lines": (2000, identical_lines_far_away),
    "findings on blank lines": (2000, blank_lines),
    "quotes that are not in the file": (1000, wrong_quotes),
    "quotes that are not near their lines": (2000, wrong_quotes_with_lines),
    "findings on a line of n characters": (2_000_000, one_long_line),
    "open strings in a Python file": (4000, open_strings),
    "escaped quotes in a Python file": (8000, escaped_quotes),
    "definitions of depth √n": (40_000, deep_definitions),
    "known findings in a rewritten file": (1500, rewritten_file),
    "known findings on identical lines that moved": (1000, rewritten_identical_lines),
    "hunks and findings": (1000, many_hunks),
    "reports of a line in equal words": (2000, equal_messages),
    "bogus paths and links": (2000, bogus_paths),
    "bogus paths of depth 1,000": (1000, deep_bogus_paths),
    "files, fixes and requests of an answer": (5000, changed_files),
    "new files of an agent": (2000, new_files),
    "MiB of a sparse file": (256, sparse_file),
    "fixes of ruff in a file": (400, ruff_fixes),
    "suppressions on a line": (2000, suppressions),
    "characters of a name under an extended glob": (120, glob_on_long_names),
    "CODEOWNERS rules": (250, codeowners),
    "rules of .gitattributes": (10_000, attributes),
    "refs made during a wave": (2000, refs),
}

if __name__ == "__main__":
    main()
