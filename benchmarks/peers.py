"""Swarm beside other tools: whether a finding keeps its identity over real releases, and what a command costs.

Histories and truth are those of `identity.py`: ruff reads each release of a package, and `git blame -w -M` says where
each line went. Every way of naming a finding gets the same reports, and is judged alike: a report is kept when it has
the name that its defect had in the release before, and wrong when it has the name of another defect. Where ruff reports
the same words on an edited line, going on with the name is neither.

Other tools are run as they are, where they are on PATH: `npm install @microsoft/sarif-multitool`, `python -m pip install
pre-commit prospector sarif-tools`.
"""

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from analyzers import BARE, SOURCES
from identity import (
    HISTORIES,
    RUFF_SELECT,
    Findings,
    History,
    Release,
    Reported,
    Score,
    analysed,
    committed,
    fetched,
    reports_by_tool,
)
from measure import SWARM, folder, run, side_by_side
from scenes import repository

from swarm.git.runner import Git
from swarm.show.sarif import line_hashes

REPEATS = 11
Given = list[tuple[Reported, int, str, bool]]
RUFF = (str(Path(sys.executable).with_name("ruff")), "check", "--isolated", "--no-cache", "--exit-zero")


class Naming(Protocol):
    """A way to name the reports of a release so that those of the next release can be compared."""

    def collect(self, git: Git, release: Release, reported: Sequence[Reported]) -> Given: ...


class ByName:
    """Names that are made of a report alone. Equal names of a release are told apart by their order."""

    def __init__(self, name_of: Callable[[Release, Reported], str]) -> None:
        self.name_of = name_of
        self.rows: dict[tuple[str, int], int] = {}

    def collect(self, git: Git, release: Release, reported: Sequence[Reported]) -> Given:
        del git
        seen: Counter[str] = Counter()
        given: Given = []
        for item in sorted(reported, key=lambda item: (item.path, item.line, item.defect.column)):
            name = self.name_of(release, item)
            key = (name, seen[name])
            seen[name] += 1
            is_new = key not in self.rows
            given.append((item, self.rows.setdefault(key, len(self.rows)), "name", is_new))
        return given


def by_line(release: Release, item: Reported) -> str:
    """Return what a list of `path:line: rule` compares."""
    del release
    return f"{item.path}:{item.line}:{item.defect.rule}"


def by_message(release: Release, item: Reported) -> str:
    """Return what a baseline of path, rule and message compares."""
    del release
    return f"{item.path}:{item.defect.rule}:{item.defect.message}"


def by_count(release: Release, item: Reported) -> str:
    """Return what a baseline of counts compares, such as ESLint's file of suppressions."""
    del release
    return f"{item.path}:{item.defect.rule}"


class ByDiff:
    """The line that `git diff` maps the old line to, and the rule: what tools ask that look at added lines alone."""

    HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")

    def __init__(self) -> None:
        self.previous: str | None = None
        self.rows: defaultdict[tuple[str, int, str | None], list[int]] = defaultdict(list)
        self.count = 0

    def collect(self, git: Git, release: Release, reported: Sequence[Reported]) -> Given:
        hunks = self._hunks(git, release.commit)
        old, self.rows = self.rows, defaultdict(list)
        given: Given = []
        for item in sorted(reported, key=lambda item: (item.path, item.line, item.defect.column)):
            line = self._old_line(hunks.get(item.path, []), item.line)
            same = old.get((item.path, line or 0, item.defect.rule), [])
            is_new = not same
            row = self.count if is_new else same.pop(0)
            self.count += is_new
            self.rows[item.path, item.line, item.defect.rule].append(row)
            given.append((item, row, "diff", is_new))
        self.previous = release.commit
        return given

    def _hunks(self, git: Git, commit: str) -> dict[str, list[tuple[int, int, int, int]]]:
        """Return the hunks of each file: line and number of lines, before and after."""
        hunks: defaultdict[str, list[tuple[int, int, int, int]]] = defaultdict(list)
        if self.previous:
            command = ["git", "diff", "-U0", "--no-color", "--no-ext-diff", self.previous, commit]
            path = ""
            for line in subprocess.run(command, cwd=git.folder, check=True, capture_output=True).stdout.splitlines():
                text = line.decode("utf-8", "replace")
                if text.startswith("+++ b/"):
                    path = text[6:]
                elif found := self.HUNK.match(text):
                    was, wases, now, nows = (int(number or 1) for number in found.groups("1"))
                    hunks[path].append((was, wases, now, nows))
        return hunks

    @staticmethod
    def _old_line(hunks: Sequence[tuple[int, int, int, int]], line: int) -> int | None:
        moved = 0
        for _, before, now, after in hunks:
            if now <= line < now + after:
                return None
            if line >= now + max(after, 1):
                moved += before - after
        return line + moved


class ByLineHash:
    """GitHub's `primaryLocationLineHash`, with the rule and the path."""

    def __init__(self) -> None:
        self.hashes: dict[tuple[str, str], list[str]] = {}

    def __call__(self, release: Release, item: Reported) -> str:
        key = (release.commit, item.path)
        if key not in self.hashes:
            self.hashes[key] = line_hashes(release.files[item.path].decode("utf-8", "replace"))
        return f"{item.path}:{item.defect.rule}:{self.hashes[key][item.line - 1]}"


class Printed:
    """Names that ruff prints into a report for another system: the fingerprints of its GitLab format."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: dict[str, dict[tuple[str, int, int, str], str]] = {}

    def __call__(self, release: Release, item: Reported) -> str:
        if release.commit not in self.names:
            tree = self.folder / f"ruff-{len(self.names)}"
            done = _ruff(tree, "gitlab")
            self.names[release.commit] = {
                (
                    issue["location"]["path"].removeprefix(f"{tree}/"),
                    issue["location"]["positions"]["begin"]["line"],
                    issue["location"]["positions"]["begin"]["column"],
                    issue["check_name"],
                ): issue["fingerprint"]
                for issue in json.loads(done)
            }
        return self.names[release.commit][item.path, item.line, item.defect.column, item.defect.rule or ""]


class Multitool:
    """`sarif-multitool match-results-forward`, over ruff's own SARIF with the text of each place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.previous: Path | None = None
        self.releases = 0
        self.rows: dict[str, int] = {}

    def collect(self, git: Git, release: Release, reported: Sequence[Reported]) -> Given:
        del git, release
        tree = self.folder / f"ruff-{self.releases}"
        log, matched = (self.folder / f"{self.releases}-{kind}.sarif" for kind in ("ruff", "matched"))
        log.write_text(_ruff(tree, "sarif").replace(f"file://{tree}/", f"file://{self.folder}/tree/"))
        # One place for every release, as a checkout has it.
        (self.folder / "tree").unlink(missing_ok=True)
        (self.folder / "tree").symlink_to(tree)
        command = ["sarif-multitool", "match-results-forward", str(log), "-o", str(matched)]
        # In quotes of their own: the program hands its arguments to a shell.
        command += ["--insert", "'RegionSnippets;ContextRegionSnippets'", "--log", "ForceOverwrite"]
        command += ["-r", str(self.previous)] if self.previous else []
        subprocess.run(command, check=True, capture_output=True)
        self.previous, self.releases = matched, self.releases + 1
        ids: defaultdict[tuple[str, int, int, str], list[str]] = defaultdict(list)
        for result in json.loads(matched.read_text(encoding="utf-8-sig"))["runs"][0]["results"]:
            if result.get("baselineState") != "absent":
                place = result["locations"][0]["physicalLocation"]
                path = place["artifactLocation"]["uri"].removeprefix(f"file://{self.folder}/tree/")
                at = (path, place["region"]["startLine"], place["region"]["startColumn"], result["ruleId"])
                ids[at].append(result.get("correlationGuid") or result["guid"])
        given: Given = []
        for item in reported:
            name = ids[item.path, item.line, item.defect.column, item.defect.rule or ""].pop()
            is_new = name not in self.rows
            given.append((item, self.rows.setdefault(name, len(self.rows)), "guid", is_new))
        return given


def _ruff(tree: Path, form: str) -> str:
    command = [*RUFF, f"--select={RUFF_SELECT}", f"--output-format={form}", "."]
    return subprocess.run(command, cwd=tree, check=True, capture_output=True, text=True).stdout


def namings(folder: Path) -> Iterator[tuple[str, Naming]]:
    """Yield every way of naming that can be measured here."""
    yield "swarm", Findings(silence_is_measured=True)
    if shutil.which("sarif-multitool"):
        yield "sarif-multitool match-results-forward", Multitool(folder)
    yield "primaryLocationLineHash, rule and path (GitHub code scanning)", ByName(ByLineHash())
    yield "fingerprint of ruff's GitLab report", ByName(Printed(folder))
    yield "rule and line, followed through `git diff`", ByDiff()
    yield "path and rule, counted", ByName(by_count)
    yield "path, rule and message", ByName(by_message)
    yield "path, line and rule", ByName(by_line)


def measured(name: str, naming: Naming, history: History, releases: Sequence[Release], git: Git) -> dict[str, Any]:
    rng, score = random.Random(history.package), Score()
    for release in releases:
        for _ in score.judge(release, naming.collect(git, release, reports_by_tool(release, rng))):
            pass
    return {
        "bench": "peers",
        "history": f"{history.package} ({history.language})",
        "naming": name,
        "kept_percent": round(100 * score.kept / max(1, score.pairs), 2),
        "wrong_percent": round(100 * score.wrong / max(1, score.matched), 2),
        "pairs": score.pairs,
    }


STARTS = (
    (SWARM, "--help"),
    ("pre-commit", "--help"),
    ("sarif", "--help"),
    ("sarif-multitool", "help"),
    ("prospector", "--help"),
)
FILES = 600
HOOKS = """repos:
- repo: local
  hooks:
  - {id: ruff, name: ruff, entry: ruff check --isolated --no-cache, language: system, types: [python]}
  - {id: oxlint, name: oxlint, entry: oxlint, language: system, types: [javascript]}
  - {id: shellcheck, name: shellcheck, entry: shellcheck --norc, language: system, types: [shell]}
"""


def starts() -> Iterator[tuple[str, float]]:
    """Yield the milliseconds of a processor that the help of each tool takes."""
    with folder() as empty:
        calls = {argv[0]: argv for argv in STARTS if shutil.which(argv[0])}
        took = side_by_side(
            REPEATS, {name: lambda argv=argv: run(*argv, cwd=empty).cpu * 1000 for name, argv in calls.items()}
        )
        yield from ((f"{Path(name).name} {calls[name][1]}", round(value)) for name, value in took.items())


def audits() -> Iterator[tuple[str, float]]:
    """Yield the processor seconds of a first look at a repository with files in three languages."""
    kinds = ("py", "js", "sh")
    with folder() as made:
        named = [(kinds[n % 3], f"src/d{n % 40}/f{n}.{kinds[n % 3]}", n) for n in range(FILES)]
        contents = [(path, SOURCES[kind].format(n=n).encode()) for kind, path, n in named]
        root = repository(made, [*contents, (".pre-commit-config.yaml", HOOKS.encode())])
        beside = Path(sys.executable).parent
        os.environ["PATH"] = f"{beside}{os.pathsep}{os.environ['PATH']}"

        def bare() -> float:
            files = {kind: [path for own, path, _ in named if own == kind] for kind in kinds}
            return sum(run(beside / BARE[k][0], *BARE[k][1:], *files[k], cwd=root, expect=(0, 1)).cpu for k in kinds)

        def audit() -> float:
            shutil.rmtree(root / "swarms", ignore_errors=True)
            run("git", "worktree", "prune", cwd=root)
            return run(SWARM, "audit", ".", "--format", "json", cwd=root, expect=(1,)).cpu

        calls = {"ruff, oxlint and shellcheck alone": bare, "swarm audit .": audit}
        if shutil.which("pre-commit"):
            hooks = ("pre-commit", "run", "--all-files")
            calls["pre-commit run --all-files"] = lambda: run(*hooks, cwd=root, expect=(0, 1)).cpu
        took = side_by_side(3, calls)
        yield from ((name, round(value, 2)) for name, value in took.items())


def identities(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Yield how each way of naming does over the releases of click."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "swarm-benchmarks"
    for history in (history for history in HISTORIES if history.package == "click"):
        versions = history.versions[-4:] if quick else history.versions
        with tempfile.TemporaryDirectory(prefix="swarm-bench-") as scratch:
            place = Path(scratch).resolve()
            git = Git(place / "history")
            git.folder.mkdir()
            releases = committed(git, [fetched(history, version, cache) for version in versions])
            analysed(releases, place)
            for name, naming in namings(place):
                yield measured(name, naming, history, releases, git)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer releases")
    options = parser.parse_args()
    starting = "start, processor milliseconds"
    looking = f"first look at {FILES} files, processor seconds"
    for what, found in ((starting, starts()), (looking, audits())):
        for name, value in found:
            print(json.dumps({"bench": "peers", "what": what, "tool": name, "value": value}), flush=True)
    for line in identities(quick=options.quick):
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
