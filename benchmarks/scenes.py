"""Scenes of the benchmarks: repositories of source-like files, outputs as agents write them, runs with findings."""

import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from measure import run, swarm

PHASE = "health-audit-a"
DOMAINS = ("alpha", "beta", "gamma", "delta", "epsilon")
LINES = 200
FINDINGS_A_FILE = 100
_WORDS = (  # noqa: SIM905
    "account batch buffer cache client config cursor entry event field frame handle header index item job key"
    " ledger limit message node offset order page parser path payload queue record region report request result"
    " row schema segment session shard signal slot source state stream table token unit user value window worker"
).split()
_CATEGORIES = ("bug", "security", "quality", "types", "tests", "docs", "defensive", "observability", "hygiene")
_SEVERITIES = ("LOW", "LOW", "MEDIUM", "MEDIUM", "MEDIUM", "HIGH", "CRITICAL")
_COMPLAINTS = (
    "`{a}` is used before it is checked for None, so an empty {b} ends the {c} with a traceback.",
    "The {b} is built by joining strings; a {c} with a quote in it changes what is asked of the {a}.",
    "An exception of the {a} is swallowed here, and the caller takes a broken {b} for a whole {c}.",
    "The {a} is opened and never closed when the {b} raises, which leaks a handle for every {c}.",
    "`{a}` is compared with `==` where the {b} may be a subclass; the {c} then takes the wrong branch.",
    "This reads the whole {a} into memory although only the first {b} of the {c} is looked at.",
)


class Place(NamedTuple):
    """A line of a source file, and the definition around it."""

    number: int
    text: str
    symbol: str


class Source(NamedTuple):
    """A generated file: its path, its lines, and the places that findings can be about."""

    path: str
    lines: list[str]
    places: list[Place]

    @property
    def content(self) -> bytes:
        return ("\n".join(self.lines) + "\n").encode()


def sources(count: int, *, moved: bool = False) -> Iterator[Source]:
    """Yield source files in five folders, always the same. `moved` puts new lines before and between the old ones."""
    for number in range(count):
        yield _source(number, moved=moved)


def _source(number: int, *, moved: bool) -> Source:
    dice = random.Random(number)
    path = f"{DOMAINS[number % len(DOMAINS)]}/part{number // 250}/{dice.choice(_WORDS)}_{number}.py"
    lines = ["import json", "import logging", "from pathlib import Path", "", "log = logging.getLogger(__name__)", ""]
    symbols = [""] * len(lines)
    if moved:
        lines[:0] = ['"""What this part does, told at last."""', "", "from typing import Final", ""]
        symbols += [""] * 4
    while len(symbols) < LINES + 4 * moved:
        if moved and len(lines) > LINES // 2 and "def told() -> str:" not in lines:
            new = ["", "def told() -> str:", '    return "told"', ""]
            lines += new
            symbols += [""] * len(new)
            continue
        body, name = _function(dice)
        lines += body
        symbols += [name] * (len(body) - 2) + ["", ""]
    new_text = {"def told() -> str:", '    return "told"'}
    places = [
        Place(at, text, symbol)
        for at, (text, symbol) in enumerate(zip(lines, symbols, strict=True), 1)
        if symbol and text.strip() and text not in new_text
    ]
    return Source(path, lines, places)


def _function(dice: random.Random) -> tuple[list[str], str]:
    a, b, c, d = (dice.choice(_WORDS) for _ in range(4))
    name = f"{a}_{b}_{dice.randrange(1000)}"
    body = [
        f"def {name}({c}: dict[str, object], {d}s: list[str], limit: int = {dice.randrange(500)}) -> list[object]:",
        f'    """Return what the {c} holds for each {d}."""',
        "    found = []",
        f"    for {d} in {d}s[:limit]:",
        f'        {b} = {c}.get("{a}_{d}", {dice.randrange(100)})',
        f"        if {b} is None:",
        "            continue",
        "        try:",
        f'            found.append(json.loads(Path(str({b})).read_text()) or "{a}")',
        "        except ValueError:",
        f'            log.warning("no {b} in %s: %s", {d}, {c})',
        "    return found",
    ]
    return [*body, "", ""], name


def findings(source: Source, count: int = FINDINGS_A_FILE) -> Iterator[dict[str, Any]]:
    """Yield findings of a file, always the same; one in fifty quotes carelessly or miscounts the line."""
    dice = random.Random(source.path)
    seen: set[tuple[int, str]] = set()
    while len(seen) < count:
        at, category = dice.randrange(len(source.places)), dice.choice(_CATEGORIES)
        if (at, category) in seen:
            continue
        seen.add((at, category))
        place = source.places[at]
        a, b, c = (dice.choice(_WORDS) for _ in range(3))
        is_careless = dice.randrange(50) == 0
        yield {
            "id": f"{source.path}-{len(seen)}",
            "severity": dice.choice(_SEVERITIES),
            "category": category,
            "file": source.path,
            "line": place.number + (dice.choice((-2, 3)) if is_careless else 0),
            "quote": place.text.replace('"', "'") if is_careless else place.text,
            "symbol": place.symbol,
            "description": dice.choice(_COMPLAINTS).format(a=a, b=b, c=c),
            "recommendation": f"Check the {b} first, and name the {c} in the message.",
        }


def repository(folder: Path, files: Iterable[tuple[str, bytes]]) -> Path:
    """Make a repository with one commit of these files, checked out."""
    root = folder / "repo"
    root.mkdir()
    run("git", "init", "-q", "-b", "main", cwd=root)
    commit(root, files)
    return root


def commit(root: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Commit these files, which become the whole tree, and check them out."""
    begin = run("git", "rev-parse", "-q", "--verify", "main", cwd=root, expect=(0, 1), keep=True).out.decode().strip()
    run("git", "fast-import", "--quiet", "--force", cwd=root, stdin=_fast_import(begin, files))
    run("git", "reset", "-q", "--hard", cwd=root)


def _fast_import(begin: str, files: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    yield b"commit refs/heads/main\ncommitter A Person <person@example.invalid> 1700000000 +0000\ndata 4\nmore\n"
    yield f"from {begin}\n".encode() if begin else b""
    yield b"deleteall\n"
    for path, body in files:
        yield b"M 644 inline %s\ndata %d\n%s\n" % (path.encode(), len(body), body)


def plain_files(count: int) -> Iterator[tuple[str, bytes]]:
    """Yield small files of several kinds in folders of fifty."""
    kinds = (
        "src/{}/part_{}.py",
        "web/{}/view_{}.ts",
        "docs/{}/page_{}.md",
        "tests/{}/test_{}.py",
        "data/{}/row_{}.bin",
    )
    for number in range(count):
        yield kinds[number % len(kinds)].format(number // 250, number), b"content of file %d\n" % number


def map_of(root: Path, domains: Iterable[tuple[str, str]]) -> str:
    """Make a run with a frozen map of these (name, glob) and return its id."""
    listed = [{"name": name, "globs": [glob]} for name, glob in domains]
    file = root.parent / "domains.json"
    file.write_text(json.dumps(listed), encoding="utf-8")
    run_id = str(swarm("init", root, "--domains-from", file, cwd=root)["runId"])
    swarm("domains", run_id, "--freeze", cwd=root)
    return run_id


class Audited(NamedTuple):
    """A repository with a run of five domains, and how many source files it has."""

    root: Path
    run_id: str
    files: int


def audited(folder: Path, files: int) -> Audited:
    """Make a repository of source files, a hundred findings each to come, and a run of it with a frozen map."""
    root = repository(folder, ((source.path, source.content) for source in sources(files)))
    return Audited(root, map_of(root, ((name, f"{name}/**") for name in DOMAINS)), files)


def move_lines(scene: Audited) -> None:
    """Commit the files with new lines before and between the old ones."""
    commit(scene.root, ((source.path, source.content) for source in sources(scene.files, moved=True)))


def answered_wave(scene: Audited, *, moved: bool = False, placed: bool = True) -> int:
    """Dispatch an isolated wave and write its five outputs; return the sum of their bytes.

    Findings that are not `placed` name no file; their words differ by their place instead.
    """
    wave = swarm("dispatch", scene.run_id, PHASE, "--isolate", cwd=scene.root)
    outputs = {agent["domain"]: Path(agent["outputPath"]) for agent in wave["agents"]}
    streams = {domain: file.open("w", encoding="utf-8") for domain, file in outputs.items()}
    begun: set[str] = set()
    for domain, stream in streams.items():
        stream.write(f'{{"domain": "{domain}", "stage": "A", "summary": "Looked at every file.", "findings": [\n')
    for source in sources(scene.files, moved=moved):
        domain = source.path.partition("/")[0]
        for finding in findings(source):
            if not placed:
                place = f"{finding.pop('file')} in {finding.pop('symbol')}: {finding.pop('quote')}"
                finding["description"] += f" Seen in {place}, line {finding.pop('line')}."
            streams[domain].write((",\n" if domain in begun else "") + json.dumps(finding))
            begun.add(domain)
    for stream in streams.values():
        stream.write("\n]}\n")
        stream.close()
    return sum(file.stat().st_size for file in outputs.values())
