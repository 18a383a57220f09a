"""Whether findings keep their identity over the releases of real packages.

The histories are successive releases, fetched by pip and npm. Where a line went from one release to the next is reported
by `git blame -w -M`, not by the code under test. Reporters tell of the same defects in each release as models do
(lines a little off, careless quotes, other categories), and ruff and oxlint report what they find; a report is kept when it gets
the finding that its defect had before, and wrongly merged when it gets the finding of another defect, or of one whose
line is gone. Known findings are carried forward as collect does it, so that drift adds up. Declarations whose line was
edited are measured by `edited.py`.
"""

import argparse
import io
import json
import os
import random
import re
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any, Final, NamedTuple

from edited import FORMS
from edited import figure as figure_of_edited
from edited import measured as measured_on_edited

from swarm.git.runner import Git
from swarm.rules.anchors import Anchor, SourceText
from swarm.rules.fingerprints import Report, identified, unclaimed
from swarm.rules.known_findings import Known
from swarm.rules.locations import ReportedPlace, locate_all
from swarm.rules.matching import match
from swarm.waves.moved_lines import Journey, journeys

MOST_SITES: Final = 600
LINES_A_SITE: Final = 15
TOLD: Final = 0.9  # a reporter overlooks one defect in ten, each time
REPEATED: Final = 0.05  # of the draws, one in twenty puts a defect on up to four lines that read the same
CROWDED: Final = 0.05  # of the lines, one in twenty has two defects
FRESH: Final = 0.3  # of the new defects, this share is put on lines that the release changed or added
FARTHEST: Final = 5
FLIPPED: Final = 0.1
WRONG_GOAL: Final = 0.5
KEPT_GOALS: Final = {"exact": 99.0, "off-by-5": 96.0, "ruff": 99.0, "oxlint": 99.0}
RUFF_SELECT: Final = "E4,E7,E9,F,B,S,PL,ASYNC,BLE,TRY,LOG,G,DTZ,FA,RUF,EM,INT,T20,ANN,SIM,UP,ARG,C4,RET"
FETCH_SECONDS: Final = 120


class History(NamedTuple):
    """Successive releases of one package, and which of its files are source."""

    language: str
    package: str
    client: str  # wheel and sdist are fetched by pip, pack by npm
    folder: str
    suffixes: tuple[str, ...]
    versions: tuple[str, ...]


def _versions(names: str) -> tuple[str, ...]:
    return tuple(names.split())


HISTORIES: Final = (
    History(
        "python",
        "click",
        "wheel",
        "click/",
        (".py",),
        _versions("8.0.0 8.0.1 8.0.2 8.0.4 8.1.0 8.1.3 8.1.7 8.1.8 8.2.0 8.2.1 8.3.0"),
    ),
    History(
        "javascript",
        "commander",
        "pack",
        "lib/",
        (".js",),
        _versions("8.0.0 8.1.0 8.2.0 8.3.0 9.0.0 9.1.0 9.3.0 9.5.0 10.0.0 11.0.0 12.0.0 13.0.0"),
    ),
    History(
        "typescript",
        "rxjs",
        "pack",
        "src/",
        (".ts",),
        _versions("7.0.0 7.1.0 7.2.0 7.3.0 7.4.0 7.5.0 7.5.5 7.5.7 7.6.0 7.8.0"),
    ),
    History(
        "java",
        "@capacitor/android",
        "pack",
        "capacitor/src/main/java/",
        (".java",),
        _versions(
            "1.0.0 1.1.0 1.2.0 1.3.0 1.5.0 2.0.0 2.1.0 2.2.0 2.3.0 2.4.0 2.5.0 3.0.0 3.1.1 3.2.0 3.3.0 3.4.0 3.5.0 4.0.0 4.1.0 4.4.0 4.7.0 5.0.0 5.3.0 5.5.0 5.7.0 6.0.0 6.1.0 6.2.0 7.0.0 7.2.0 7.4.0 8.0.0"
        ),
    ),
    History(
        "java",
        "cordova-android",
        "pack",
        "framework/src/",
        (".java",),
        _versions(
            "3.7.0 4.0.0 4.1.1 5.0.0 5.1.0 5.2.0 6.0.0 6.1.0 6.2.0 6.3.0 7.0.0 7.1.0 8.0.0 8.1.0 9.0.0 9.1.0 10.0.0 10.1.0 11.0.0 12.0.0 13.0.0 14.0.0"
        ),
    ),
    History(
        "c",
        "psutil",
        "sdist",
        "psutil/",
        (".c", ".h"),
        _versions("5.6.0 5.6.3 5.6.7 5.7.0 5.7.3 5.8.0 5.9.0 5.9.3 5.9.6 5.9.8 6.0.0"),
    ),
    # Histories that no rule of matching was made on.
    History(
        "python",
        "requests",
        "wheel",
        "requests/",
        (".py",),
        _versions("2.18.0 2.19.1 2.20.0 2.21.0 2.22.0 2.24.0 2.25.1 2.26.0 2.27.1 2.28.2 2.29.0 2.31.0 2.32.3 2.32.5"),
    ),
    History(
        "python",
        "flask",
        "wheel",
        "flask/",
        (".py",),
        _versions("1.0 1.0.4 1.1.0 1.1.4 2.0.0 2.0.3 2.1.0 2.1.3 2.2.0 2.2.5 2.3.0 2.3.3 3.0.0 3.0.3 3.1.0 3.1.2"),
    ),
    History(
        "python",
        "jinja2",
        "wheel",
        "jinja2/",
        (".py",),
        _versions("2.9.6 2.10 2.10.3 2.11.0 2.11.3 3.0.0 3.0.3 3.1.0 3.1.2 3.1.4 3.1.6"),
    ),
    History(
        "python",
        "attrs",
        "wheel",
        "attr/",
        (".py",),
        _versions(
            "18.1.0 18.2.0 19.1.0 19.3.0 20.1.0 20.3.0 21.2.0 21.4.0 22.1.0 22.2.0 23.1.0 23.2.0 24.1.0 24.3.0 25.3.0"
        ),
    ),
    History(
        "python",
        "sqlparse",
        "wheel",
        "sqlparse/",
        (".py",),
        _versions("0.2.4 0.3.0 0.3.1 0.4.0 0.4.1 0.4.2 0.4.3 0.4.4 0.5.0 0.5.1 0.5.3"),
    ),
    History(
        "python",
        "rich",
        "wheel",
        "rich/",
        (".py",),
        _versions(
            "9.13.0 10.1.0 10.6.0 10.12.0 10.16.2 11.2.0 12.0.1 12.4.4 12.6.0 13.0.0 13.3.5 13.5.3 13.7.1 13.9.4"
        ),
    ),
    History(
        "javascript",
        "express",
        "pack",
        "lib/",
        (".js",),
        _versions("4.14.1 4.15.5 4.16.0 4.16.4 4.17.0 4.17.3 4.18.0 4.18.3 4.19.2 4.20.0 4.21.2 5.0.0 5.0.1 5.1.0"),
    ),
    History(
        "javascript",
        "axios",
        "pack",
        "lib/",
        (".js",),
        _versions(
            "0.21.4 0.22.0 0.24.0 0.26.1 0.27.2 1.0.0 1.1.3 1.2.6 1.3.6 1.4.0 1.6.0 1.6.8 1.7.0 1.7.9 1.8.4 1.10.0 1.12.2"
        ),
    ),
    History(
        "javascript",
        "lodash",
        "pack",
        "lodash.js",
        (".js",),
        _versions("4.14.2 4.15.0 4.16.6 4.17.0 4.17.4 4.17.5 4.17.11 4.17.15 4.17.19 4.17.21"),
    ),
    History("javascript", "three", "pack", "src/", (".js",), _versions("0.152.2 0.156.1 0.160.1 0.164.1 0.168.0")),
    History(
        "typescript",
        "immer",
        "pack",
        "src/",
        (".ts",),
        _versions("8.0.1 9.0.1 9.0.6 9.0.12 9.0.15 9.0.19 10.0.1 10.0.3 10.1.1"),
    ),
    History(
        "c", "cffi", "sdist", "c/", (".c", ".h"), _versions("1.10.0 1.11.5 1.12.3 1.13.2 1.14.0 1.14.6 1.15.0 1.15.1")
    ),
)
# Descriptions of a defect in different waves: the words change, the defect does not.
PROSE: Final = {
    "bug": (
        ("an empty value is not handled before it is used and raises at run time",
         "missing check for an empty value before use, so it raises at run time",
         "when the value is empty this raises, because it is used without a check"),
        ("the loop can end one element too early and drops the last entry",
         "off by one: the last entry is dropped because the loop ends too early",
         "the last element is never reached, the loop ends one entry early"),
    ),
    "security": (
        ("untrusted input reaches this call without validation and can inject",
         "input is passed to this call unvalidated, which allows injection of untrusted data",
         "no validation of untrusted input before this call, an injection is possible"),
        ("a secret can leak into the log through this error message",
         "the error message here may leak a secret to the log",
         "this message writes a secret to the log when the error is raised"),
    ),
    "quality": (
        ("the condition is hard to follow and duplicates logic that exists elsewhere",
         "duplicated logic with a condition that is hard to follow",
         "this duplicates logic from elsewhere, and its condition is hard to read"),
        ("a magic value is repeated here instead of a named constant",
         "repeated magic value, a named constant would be clearer",
         "use a named constant instead of this repeated magic value"),
    ),
    "types": (
        ("the declared type does not allow the absent value that is returned here",
         "an absent value is returned here, but the declared type does not allow it",
         "return type is declared without the absent value that can be returned"),
    ),
    "docs": (
        ("the behaviour on failure is not documented for callers",
         "callers find no documentation of the behaviour on failure here",
         "documentation lacks what callers see on failure"),
    ),
    "defensive": (
        ("the error is swallowed silently and the caller never learns of the failure",
         "silently swallowed error, the caller does not learn of the failure",
         "a failure is swallowed here without a word to the caller"),
    ),
}  # fmt: skip


class Place(NamedTuple):
    """A line of a release. Lines count from 1."""

    path: str
    line: int


class Defect(NamedTuple):
    """A defect of a site: reported in words that change, or by an analyzer that repeats itself."""

    category: str
    kind: int
    rule: str | None = None
    message: str = ""
    column: int = 0


class Reported(NamedTuple):
    """A report before it is located."""

    site: int
    path: str
    line: int
    quote: str | None
    symbol: str | None
    category: str
    description: str
    defect: Defect


@dataclass(slots=True)
class Release:
    """One release: its commit, its files, where its lines come from, and what is where."""

    commit: str
    files: dict[str, bytes]
    sources: dict[str, SourceText] = field(default_factory=dict)
    successors: dict[Place, list[Place]] = field(default_factory=dict)
    fresh: set[Place] = field(default_factory=set)
    edited: dict[Place, Place] = field(default_factory=dict)
    defects: dict[int, tuple[Place, Defect]] = field(default_factory=dict)
    places: dict[int, Place] = field(default_factory=dict)
    edits: dict[int, int] = field(default_factory=dict)

    def source(self, path: str) -> SourceText:
        if path not in self.sources:
            self.sources[path] = SourceText(path, self.files[path])
        return self.sources[path]


# Fetching -------------------------------------------------------------------------------------------------------


def fetched(history: History, version: str, cache: Path) -> dict[str, bytes]:
    """Return the source files of a release; raises OSError, SubprocessError where it cannot be had."""
    folder = cache / history.client / f"{history.package}-{version}"
    if not any(folder.glob("*")):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            subprocess.run(
                _fetch_command(history, version, scratch),
                check=True,
                capture_output=True,
                timeout=FETCH_SECONDS,
                cwd=scratch,
            )
            folder.mkdir(exist_ok=True)
            for file in Path(scratch).iterdir():
                file.replace(folder / file.name)
    (archive,) = folder.iterdir()
    return dict(_sources_in(archive, history))


def _fetch_command(history: History, version: str, folder: str) -> list[str]:
    if history.client == "pack":
        return ["npm", "pack", f"{history.package}@{version}", "--silent", "--pack-destination", folder]
    kind = "--only-binary" if history.client == "wheel" else "--no-binary"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    return [*pip, kind, history.package, "--dest", folder, f"{history.package}=={version}"]


def _sources_in(archive: Path, history: History) -> Iterator[tuple[str, bytes]]:
    for name, content in _members(archive):
        path = name if history.client == "wheel" else name.partition("/")[2]
        if path.startswith(history.folder) and path.endswith(history.suffixes) and not path.endswith(".d.ts"):
            yield path, content


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            yield from ((name, wheel.read(name)) for name in wheel.namelist())
        return
    with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as packed:
        for member in packed:
            if member.isfile() and (content := packed.extractfile(member)):
                yield member.name, content.read()


# History and truth ----------------------------------------------------------------------------------------------


def committed(git: Git, versions: Iterable[dict[str, bytes]]) -> list[Release]:
    """Commit each release on the one before, and ask blame where its lines come from."""
    git.run("init", "--quiet", "--initial-branch=main")
    releases: list[Release] = []
    for files in versions:
        git.run("rm", "-r", "--quiet", "--ignore-unmatch", ".")
        for path, content in files.items():
            target = git.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        git.run("add", "--all", "--force")
        named = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
        git.run(*named, "commit", "--quiet", "--allow-empty", "--message", "release")
        releases.append(Release(git.text("rev-parse", "HEAD"), files))
    for old, new in pairwise(releases):
        _trace(git, old, new)
    return releases


def _trace(git: Git, old: Release, new: Release) -> None:
    """Fill in where each line of the old release is in the new one, and which lines of the new one are fresh."""
    successors: defaultdict[Place, list[Place]] = defaultdict(list)
    changed = [path for path, content in new.files.items() if old.files.get(path) != content]
    for path in new.files.keys() - set(changed):
        for line in range(1, len(new.source(path).lines) + 1):
            successors[Place(path, line)].append(Place(path, line))

    def asked(path: str) -> tuple[dict[Place, Place], dict[Place, Place]]:
        # With the new commit ignored, blame guesses which old line each of its lines was edited from.
        return _origins(git, old, new, path), _origins(git, old, new, path, "--ignore-rev", new.commit)

    with ThreadPoolExecutor(2) as pool:
        for path, (origins, guesses) in zip(changed, pool.map(asked, changed), strict=True):
            for line in range(1, len(new.source(path).lines) + 1):
                place = Place(path, line)
                if place in origins:
                    successors[origins[place]].append(place)
                else:
                    new.fresh.add(place)
                    if place in guesses:
                        new.edited[place] = guesses[place]
    old.successors = dict(successors)


def _origins(git: Git, old: Release, new: Release, path: str, *options: str) -> dict[Place, Place]:
    """Return, for the lines of a file that the old release had, where they stood in it."""
    span = f"{old.commit}..{new.commit}"
    found = git.text("blame", "-w", "-M", *options, "--incremental", span, "--", path)
    origins: dict[Place, Place] = {}
    commit, numbers = "", (0, 0, 0)
    for row in found.split("\n"):
        words = row.split(" ")
        if len(words) == 4 and len(words[0]) == 40:
            commit, numbers = words[0], (int(words[1]), int(words[2]), int(words[3]))
        elif words[0] == "filename" and commit == old.commit:
            first_old, first_new, count = numbers
            for offset in range(count):
                origins[Place(path, first_new + offset)] = Place(row[9:], first_old + offset)
    return origins


# Sites ----------------------------------------------------------------------------------------------------------


def plant(history: History, releases: Sequence[Release], count: int, *, repeated: float) -> None:
    """Put defects into the first release, follow them by the truth, and make up for the lost ones with fresh ones.

    `repeated` is the share of draws that put one defect on several lines of a file that read the same.
    """
    rng = random.Random(f"sites of {history.package}")
    ids = iter(range(sys.maxsize))
    alive: dict[int, tuple[Place, Defect]] = {}
    for before, release in zip([None, *releases], releases, strict=False):
        if before is not None:
            alive = {
                site: (moved[0], defect)
                for site, (place, defect) in alive.items()
                if len(moved := before.successors.get(place, [])) == 1
            }
        taken = {(place, defect.category) for place, defect in alive.values()}
        for place, defect in _drawn(release, rng, repeated):
            if len(alive) >= count:
                break
            if (place, defect.category) not in taken:
                taken.add((place, defect.category))
                alive[next(ids)] = (place, defect)
        release.defects = dict(alive)
        release.places = {site: place for site, (place, _) in alive.items()}


def _drawn(release: Release, rng: random.Random, repeated: float) -> Iterator[tuple[Place, Defect]]:
    every = [
        Place(path, line)
        for path in sorted(release.files)
        for line, text in enumerate(release.source(path).folded, 1)
        if _says_something(text)
    ]
    fresh = [place for place in every if place in release.fresh] or every
    alike = _repeated(release, every)
    while True:
        if alike and rng.random() < repeated:
            defect = _defect(rng)
            yield from ((twin, defect) for twin in rng.choice(alike)[:4])
            continue
        place = rng.choice(fresh if rng.random() < FRESH else every)
        yield place, _defect(rng)
        if rng.random() < CROWDED:
            yield place, _defect(rng)


def _repeated(release: Release, every: Iterable[Place]) -> list[list[Place]]:
    by_text: defaultdict[tuple[str, str], list[Place]] = defaultdict(list)
    for path, line in every:
        by_text[path, release.source(path).folded[line - 1]].append(Place(path, line))
    return [places for places in by_text.values() if len(places) > 1]


def _says_something(text: str) -> bool:
    return sum(map(str.isalnum, text)) >= 3


def _defect(rng: random.Random) -> Defect:
    category = rng.choice(sorted(PROSE))
    return Defect(category, rng.randrange(len(PROSE[category])))


# Reporters ------------------------------------------------------------------------------------------------------


def _exact(text: str, line: int, rng: random.Random) -> tuple[int, str]:
    del rng
    return line, text


def _off_by(text: str, line: int, rng: random.Random) -> tuple[int, str]:
    return max(1, line + rng.randint(-FARTHEST, FARTHEST)), text


def _misquoted(text: str, line: int, rng: random.Random) -> tuple[int, str]:
    ways = [way for way in _DAMAGES if way(text) != text]
    damaged = rng.choice(ways)(text) if ways else text
    return max(1, line + rng.randint(-FARTHEST, FARTHEST)), damaged


_DAMAGES: Final[tuple[Callable[[str], str], ...]] = (
    lambda text: re.sub(r"(?<=\S)\s+(?:#|//|/\*).*$", "", text),
    lambda text: text.replace("'", '"') if "'" in text else text.replace('"', "'"),
    lambda text: f"{text[: max(15, len(text) * 2 // 3)]}..." if len(text.strip()) > 20 else text,
    lambda text: re.sub(r"\s*([=+(),:{}])\s*", r"\1", text),
    str.strip,
    lambda text: text.rstrip().removesuffix(";"),
)


class Reporter(NamedTuple):
    """A reporter: the form of its lines, how often it names another category, how many of its defects it repeats."""

    tells: Callable[[str, int, random.Random], tuple[int, str]]
    flips: float = 0.0
    repeated: float = REPEATED
    names_symbols: float = 0.7


REPORTERS: Final[Mapping[str, Reporter]] = {
    "exact": Reporter(_exact, names_symbols=1.0),
    "off-by-5": Reporter(_off_by),
    "misquote": Reporter(_misquoted),
    "category-flip": Reporter(_exact, flips=FLIPPED),
    "exact, repeated lines only": Reporter(_exact, repeated=1.0, names_symbols=1.0),
    "off-by-5, repeated lines only": Reporter(_off_by, repeated=1.0),
}


def reports_of(release: Release, reporter: Reporter, wave: int, rng: random.Random) -> list[Reported]:
    """Return what a model-like reporter tells of a release, in no order."""
    reports = []
    for site, (place, defect) in sorted(release.defects.items()):
        if rng.random() > TOLD:
            continue
        lines = release.source(place.path).lines
        text = lines[place.line - 1]
        line, quote = reporter.tells(text, place.line, rng)
        symbol = _symbol_around(lines, place.line) if rng.random() < reporter.names_symbols else None
        category = defect.category
        if rng.random() < reporter.flips:
            category = rng.choice(sorted(PROSE.keys() - {category}))
        phrasings = PROSE[defect.category][defect.kind]
        phrase = phrasings[(wave + rng.randrange(2)) % len(phrasings)]
        name = max(re.findall(r"\w+", text), key=len)
        expected = f"`{name}`: {phrase}"
        reports.append(Reported(site, place.path, min(line, len(lines)), quote, symbol, category, expected, defect))
    rng.shuffle(reports)
    return reports


def _symbol_around(lines: Sequence[str], line: int) -> str | None:
    """Return the name of the nearest outer definition as a reader sees it: by indentation, in any language."""
    indent = len(lines[line - 1]) - len(lines[line - 1].lstrip()) + 1
    for text in reversed(lines[:line]):
        body = text.lstrip()
        if body and len(text) - len(body) < indent:
            indent = len(text) - len(body)
            if re.match(r"(?:if|for|while|switch|else|catch|return|with|try|#|//|/?\*)\b", body):
                continue
            if found := re.search(r"(?:class|interface|struct)\s+(\w+)|(\w+)\s*\([^;]*$", body):
                return found[1] or found[2]
        if indent == 0:
            break
    return None


def analysed(releases: Sequence[Release], folder: Path, tool: str = "ruff") -> None:
    """Put what a tool finds in each release in place of its defects; one that blame leads back to goes on."""
    ids = iter(range(sys.maxsize))
    before: Release | None = None
    for number, release in enumerate(releases):
        tree = folder / f"{tool}-{number}"
        for path, content in release.files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(content)
        places: dict[int, Place] = {}
        known: defaultdict[tuple[Place, str | None, str], list[int]] = defaultdict(list)
        older: defaultdict[tuple[Place | None, str | None, str], list[int]] = defaultdict(list)
        if before is not None:
            for site, place in sorted(before.places.items()):
                if len(moved := before.successors.get(place, [])) == 1:
                    places[site] = moved[0]
            for site, (place, defect) in before.defects.items():
                older[place, defect.rule, defect.message].append(site)
                if site in places:
                    known[places[site], defect.rule, defect.message].append(site)
        release.defects = {}
        release.edits = {}
        for place, defect in ANALYZERS[tool](tree):
            same = known[place, defect.rule, defect.message]
            site = same.pop(0) if same else next(ids)
            release.defects[site] = (place, defect)
            if edited := older[release.edited.get(place), defect.rule, defect.message]:
                release.edits[site] = edited.pop(0)
        release.places = places | {site: place for site, (place, _) in release.defects.items()}
        before = release


def _ruff(tree: Path) -> list[tuple[Place, Defect]]:
    program = str(Path(sys.executable).with_name("ruff"))
    command = [program, "check", "--isolated", "--no-cache", "--exit-zero", "--output-format=json"]
    done = subprocess.run([*command, f"--select={RUFF_SELECT}", "."], cwd=tree, check=True, capture_output=True)
    found = []
    for report in json.loads(done.stdout):
        path = PurePosixPath(report["filename"]).relative_to(tree).as_posix()
        spot = report["location"]
        defect = Defect("quality", 0, report["code"], report["message"], spot["column"])
        found.append((Place(path, spot["row"]), defect))
    return sorted(found, key=lambda item: (item[0], item[1].column, item[1].message))


def _oxlint(tree: Path) -> list[tuple[Place, Defect]]:
    program = str(Path(sys.executable).with_name("oxlint"))
    done = subprocess.run([program, "--format=json", "-D", "all", "."], cwd=tree, check=False, capture_output=True)
    found = set()
    for report in json.loads(done.stdout)["diagnostics"]:
        # A file that does not parse has a message without a rule.
        if report.get("code") and report["labels"]:
            spot = report["labels"][0]["span"]
            defect = Defect("quality", 0, report["code"], report["message"], spot["column"])
            found.add((Place(report["filename"], spot["line"]), defect))
    return sorted(found, key=lambda item: (item[0], item[1].column, item[1].message))


ANALYZERS: Final[Mapping[str, Callable[[Path], list[tuple[Place, Defect]]]]] = {"ruff": _ruff, "oxlint": _oxlint}
TOOL_OF: Final = {"python": "ruff", "javascript": "oxlint", "typescript": "oxlint"}


def reports_by_tool(release: Release, rng: random.Random) -> list[Reported]:
    reports = [
        Reported(site, place.path, place.line, None, None, defect.category, defect.message, defect)
        for site, (place, defect) in sorted(release.defects.items())
    ]
    rng.shuffle(reports)
    return reports


# What collect does ----------------------------------------------------------------------------------------------


class Findings:
    """The findings of one run, carried from wave to wave by the functions under test."""

    def __init__(self, *, silence_is_measured: bool) -> None:
        self.known: dict[int, Known] = {}
        self.owners: dict[str, int] = {}
        self.seconds = 0.0
        self.reports = 0
        self._silence_is_measured = silence_is_measured

    def collect(
        self, git: Git, release: Release, reported: Sequence[Reported]
    ) -> list[tuple[Reported, int, str, bool]]:
        """Return for each report its finding, how it was matched, and whether it was the one that made it."""
        travels = journeys(git, self.known.values(), release.commit)
        for item in reported:
            release.source(item.path).scope_at(1)
        started = time.perf_counter()
        reports = identified(self._located(release, reported, travels))
        groups: defaultdict[str, list[int]] = defaultdict(list)
        for at, report in enumerate(reports):
            groups[report.fingerprint].append(at)
        heads = [reports[positions[0]] for positions in groups.values()]
        matches, silent, fresh = match(
            list(self.known.values()), heads, {commit: journey.travel for commit, journey in travels.items()}
        )
        self.seconds += time.perf_counter() - started
        self.reports += len(reports)
        given: list[tuple[Reported, int, str, bool]] = []
        for found in matches:
            self._seen(found.known, found.report, release.commit)
            given += [
                (reported[at], found.known.row_id, found.matched_by, False) for at in groups[found.report.fingerprint]
            ]
        for report in fresh:
            row = self._new(report, release.commit)
            given += [(reported[at], row, "new", place == 0) for place, at in enumerate(groups[report.fingerprint])]
        if not self._silence_is_measured:
            for lost in silent:
                self._relocate(lost, travels[lost.anchor_commit], release.commit)
        return given

    def _located(self, release: Release, reported: Sequence[Reported], travels: Mapping[str, Journey]) -> list[Report]:
        """Locate the reports of each file together, as collect does."""
        expected: defaultdict[str, defaultdict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
        for known in self.known.values():
            travel = travels[known.anchor_commit].travel
            if (
                known.anchor
                and known.anchor.line
                and (line := travel.lines(known.anchor.path).successor(known.anchor.line))
            ):
                expected[travel.path(known.anchor.path)][known.rule].add(line)
        by_path: defaultdict[str, list[Reported]] = defaultdict(list)
        for item in reported:
            by_path[item.path].append(item)
        reports = []
        for path, items in by_path.items():
            claims = [
                ReportedPlace(i.line, i.quote, i.symbol, i.defect.rule or i.category, 1, i.description) for i in items
            ]
            anchors = locate_all(release.source(path), claims, expected.get(path))
            reports += [_report(item, anchor) for item, anchor in zip(items, anchors, strict=True)]
        order = {item.site: at for at, item in enumerate(reported)}
        return sorted(reports, key=lambda report: order[int(report.reported_id)])

    def _new(self, report: Report, commit: str) -> int:
        row = len(self.known) + 1
        fingerprint = unclaimed(report.fingerprint, {known.fingerprint for known in self.known.values()})
        self.known[row] = Known(
            row,
            fingerprint,
            frozenset(),
            report.rule,
            report.rule_id is not None,
            report.ordinal,
            report.description,
            report.anchor,
            commit,
        )
        self.owners.setdefault(fingerprint, row)
        return row

    def _seen(self, known: Known, report: Report, commit: str) -> None:
        aliases = known.aliases
        if self.owners.setdefault(report.fingerprint, known.row_id) == known.row_id:
            aliases |= {report.fingerprint}
        self.known[known.row_id] = known._replace(
            aliases=aliases, description=report.description, anchor=report.anchor, anchor_commit=commit
        )

    def _relocate(self, known: Known, journey: Journey, commit: str) -> None:
        if known.anchor is None or known.anchor.line is None:
            return
        line = journey.travel.lines(known.anchor.path).successor(known.anchor.line)
        if known.anchor.path not in journey.deleted and line is not None:
            anchor = known.anchor._replace(path=journey.travel.path(known.anchor.path), line=line)
            self.known[known.row_id] = known._replace(anchor=anchor, anchor_commit=commit)


def _report(reported: Reported, anchor: Anchor) -> Report:
    rule, column = reported.defect.rule, reported.defect.column
    return Report(
        str(reported.site),
        "LOW",
        reported.category,
        rule,
        reported.description,
        None,
        reported.symbol,
        column,
        "all",
        1,
        anchor,
    )


# Judgement ------------------------------------------------------------------------------------------------------


class Score:
    """Counts of reports that kept their finding, and of those that got another's."""

    def __init__(self) -> None:
        self.pairs = self.kept = self.matched = self.wrong = self.edits = 0
        self.found_as: dict[int, int] = {}
        self.made_by: dict[int, int] = {}

    def judge(
        self, release: Release, given: Sequence[tuple[Reported, int, str, bool]]
    ) -> Iterator[tuple[str, Reported, int]]:
        """Count one wave. A wrong merge is counted in the wave of the merge; then the finding is the one's that has it."""
        rows = {item.site: row for item, row, _, _ in given}
        self.made_by |= {row: item.site for item, row, _, made_it in given if made_it}
        taken_over: dict[int, int] = {}
        for item, row, way, made_it in given:
            site, maker = item.site, self.made_by[row]
            self.matched += not made_it
            is_edit = maker != site and release.edits.get(site) == maker
            is_same_line = maker not in release.defects and release.places.get(maker) == release.places[site]
            is_wrong = maker != site and not is_edit and not is_same_line
            self.wrong += is_wrong
            self.edits += is_edit
            if site in self.found_as:
                self.pairs += 1
                self.kept += self.found_as[site] == row
                if self.found_as[site] != row:
                    yield f"lost {way}", item, row
            if is_wrong:
                yield f"wrong {way}", item, row
            if not is_wrong or rows.get(maker, row) != row or maker not in release.places:
                self.found_as[site] = row
                taken_over[row] = site
        self.made_by |= taken_over


def figure(history: History, reporter: str, score: Score, findings: Findings) -> dict[str, Any]:
    return {
        "bench": "identity",
        "history": f"{history.package} ({history.language})",
        "reporter": reporter,
        "kept_percent": round(100 * score.kept / max(1, score.pairs), 2),
        "wrongly_merged_percent": round(100 * (score.wrong + score.edits) / max(1, score.matched), 2),
        "of_these_on_edited_lines_percent": round(100 * score.edits / max(1, score.matched), 2),
        "pairs": score.pairs,
        "microseconds_a_report": round(1e6 * findings.seconds / max(1, findings.reports), 1),
        "goal": {"kept_percent": KEPT_GOALS.get(reporter), "wrongly_merged_percent": WRONG_GOAL},
    }


def measured(history: History, releases: Sequence[Release], git: Git, name: str, *, show: bool) -> dict[str, Any]:
    rng = random.Random(f"{name} of {history.package}")
    findings = Findings(silence_is_measured=name in ANALYZERS)
    score = Score()
    for wave, release in enumerate(releases):
        found = reports_by_tool(release, rng) if name in ANALYZERS else reports_of(release, REPORTERS[name], wave, rng)
        before = dict(findings.known)
        given = findings.collect(git, release, found)
        for verdict, item, row in score.judge(release, given):
            if show:
                print(f"wave {wave}: {verdict}: {item} is finding {row}, was {before.get(row)}")
    return figure(history, name, score, findings)


def run(
    history: History, cache: Path, *, quick: bool, reporters: Sequence[str], show: bool
) -> Iterator[dict[str, Any]]:
    versions = history.versions[-4:] if quick else history.versions
    try:
        with ThreadPoolExecutor(4) as pool:
            contents = list(pool.map(lambda version: fetched(history, version, cache), versions))
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        yield {
            "bench": "identity",
            "history": history.package,
            "left_out": f"could not be fetched: {type(error).__name__}",
        }
        return
    with tempfile.TemporaryDirectory(prefix="swarm-bench-") as scratch:
        git = Git(Path(scratch) / "history")
        git.folder.mkdir()
        releases = committed(git, contents)
        lines = sum(content.count(b"\n") for content in contents[0].values())
        sites = min(MOST_SITES // 3 if quick else MOST_SITES, lines // LINES_A_SITE)
        for reporter in REPORTERS:
            if reporter in reporters:
                plant(history, releases, sites, repeated=REPORTERS[reporter].repeated)
                yield measured(history, releases, git, reporter, show=show)
        if (tool := TOOL_OF.get(history.language)) in reporters:
            analysed(releases, Path(scratch), tool)
            yield measured(history, releases, git, tool, show=show)
        for form in FORMS:
            if form.name in reporters:
                tally = measured_on_edited(git, releases, form, show=show)
                yield figure_of_edited(f"{history.package} ({history.language})", form, tally)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer releases, fewer findings")
    parser.add_argument("--history", default="", help="only the packages whose name contains this")
    parser.add_argument("--reporter", default="", help="only this reporter")
    parser.add_argument("--show", action="store_true", help="print each loss and each wrong merge")
    options = parser.parse_args()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "swarm-benchmarks"
    reporters = [options.reporter] if options.reporter else [*REPORTERS, *ANALYZERS, *(form.name for form in FORMS)]
    for history in HISTORIES:
        if options.history in history.package:
            for line in run(history, cache, quick=options.quick, reporters=reporters, show=options.show):
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
