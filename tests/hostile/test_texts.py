"""Every text of the corpus in every place where an agent or a person may put one, through every verb that shows it."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.conftest import Answer, Repo, Swarm, Workspace
from tests.hostile.cases import texts
from tests.hostile.law import assert_lawful, assert_whole, checkout, raw_in

pytestmark = pytest.mark.sweep

TEXTS = [case.text for case in texts()]
# What a comment in the source says of findings counts, whoever wrote it.
HARMLESS = [text if "swarm: ignore" in text else f"harmless words {number}" for number, text in enumerate(TEXTS)]
MOST_REASON = 2000


class Spoken(NamedTuple):
    """A run in which each domain speaks one text: about itself, in its source, and in all that its agent answers."""

    swarm: Swarm
    repo: Repo
    place: Workspace
    texts: Sequence[str]

    def domain(self, number: int) -> str:
        return f"t{number:02}"

    def ask(self, *words: str, form: str = "text", exit: int | None = None) -> Answer:  # noqa: A002
        answer = self.swarm(*words, *(("--format", form) if form != "ndjson" else ()), exit=exit)
        assert_lawful(answer, form=form)
        return answer

    def say(self, wave: int, bodies: Sequence[dict[str, Any]]) -> None:
        for number, body in enumerate(bodies):
            file = self.place.output(self.domain(number), wave)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps({"domain": self.domain(number), "summary": self.texts[number], **body}))

    def audit(self) -> Any:
        """An audit wave: one finding with an anchor, one without, and a request, all of the domain's text."""
        self.ask("dispatch", "health-audit-a", "--auto-freeze")
        number = self.ask("status", form="json").data["waves"]["current"]["number"]
        bodies = []
        for at, text in enumerate(self.texts):
            words = {
                "severity": "HIGH",
                "category": "bug",
                "description": text,
                "recommendation": text,
                "symbol": text[:900],
            }
            bodies.append(
                {
                    "stage": "A",
                    "findings": [
                        {
                            **words,
                            "id": text[:200],
                            "rule_id": text[:200],
                            "file": f"{self.domain(at)}/x.py",
                            "line": 2,
                        },
                        {**words, "id": "2", "quote": text},
                    ],
                    "requests": [{"file": "README.md", "reason": text}],
                    text: text,
                }
            )
        self.say(number, bodies)
        return self.ask("collect", form="json", exit=0).data

    def findings(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("findings", "--status", "all", form="json").data["findings"]
        return found


def spoken_in(swarm: Swarm, repo: Repo, tmp_path: Path, texts: Sequence[str]) -> Spoken:
    repo.commit({f"t{number:02}/x.py": f"# it says\n{text}\nx = 1\n" for number, text in enumerate(texts)})
    file = tmp_path / "map.json"
    domains = [{"name": f"t{n:02}", "globs": [f"t{n:02}/**"], "description": text} for n, text in enumerate(texts)]
    file.write_text(json.dumps([*domains, {"name": "all", "globs": ["**"], "ownership": "shared"}]))
    run = swarm("init", ".", "--domains-from", file, "--format", "json").data["runId"]
    made = Spoken(swarm, repo, Workspace(run, repo.root / "swarms", repo.root / "swarms/control-plane.db"), texts)
    made.audit()
    return made


@pytest.fixture
def spoken(swarm: Swarm, repo: Repo, tmp_path: Path) -> Spoken:
    return spoken_in(swarm, repo, tmp_path, TEXTS)


def test_every_text_is_kept_exactly_and_shown_safely_everywhere(spoken: Spoken, tmp_path: Path) -> None:
    before = checkout(spoken.repo)
    found = spoken.findings()
    assert sorted(item["description"] for item in found) == sorted(TEXTS * 2)
    for form in ("text", "markdown", "json", "sarif"):
        spoken.ask("findings", form=form, exit=1)
        spoken.ask("findings", "--group-by", "rule", form=form, exit=1)
    for item in found:
        spoken.ask("show", item["findingId"], exit=0)
        assert (
            spoken.ask("show", item["findingId"], form="json", exit=0).data["finding"]["description"]
            == item["description"]
        )
    for words in (
        ("status",),
        ("runs",),
        ("domains",),
        ("domains", "--check"),
        ("domains", "--history"),
        ("lease", "list"),
    ):
        spoken.ask(*words, exit=0)
        spoken.ask(*words, form="json", exit=0)
    for words in (
        ("history", "1"),
        ("history", found[0]["findingId"]),
        ("explain", found[0]["findingId"]),
        ("trends",),
    ):
        spoken.ask(*words, exit=0)
        spoken.ask(*words, form="json", exit=0)
    spoken.ask("events", form="ndjson", exit=0)
    for form in ("text", "markdown", "json"):
        spoken.ask("receipt", form=form, exit=0)
    spoken.ask("report", "-o", str(tmp_path / "report.html"), exit=0)
    assert raw_in((tmp_path / "report.html").read_text(encoding="utf-8")) == []
    assert checkout(spoken.repo) == before
    assert_whole(spoken.swarm, spoken.place.db)


def test_every_text_as_a_reason_is_kept_exactly_and_shown_safely(spoken: Spoken, tmp_path: Path) -> None:
    found = spoken.findings()
    reasons = {}
    for number, text in enumerate(TEXTS):
        finding = found[number]["findingId"]
        closing = ("close", "--verified-how", "independent", f"--evidence={text}")
        verb = (("approve",), ("defer",), ("reject",), closing)[number % 4]
        answer = spoken.ask(*verb, "--ids", finding, f"--reason={text}")
        assert answer.exit == 0 or answer.code in {"REASON_REQUIRED", "CLI_USAGE"}, answer
        if answer.exit == 0:
            reasons[finding] = text
    assert len(reasons) == sum(bool(text.strip()) and len(text) <= MOST_REASON for text in TEXTS)
    spoken.ask("findings", "--status", "all", form="markdown")
    spoken.ask("findings", "--status", "all", form="sarif")
    kept = {}
    for reason in reasons:
        data = spoken.ask("history", reason, form="json", exit=0).data["events"]
        kept[reason] = next(event["reason"] for event in reversed(data) if event["reason"])
        spoken.ask("history", reason, exit=0)
        spoken.ask("show", reason, exit=0)
    # All but the white space around it.
    assert kept == {reason: text.strip() for reason, text in reasons.items()}
    exported = spoken.swarm("findings", "--status", "all", "--export", "-", exit=None)
    assert raw_in(exported.out) == []
    (tmp_path / "decisions.toml").write_text(exported.out, encoding="utf-8")
    spoken.ask("triage", "--import", str(tmp_path / "decisions.toml"), exit=0)
    spoken.ask("events", form="ndjson", exit=0)
    spoken.ask("report", "-o", str(tmp_path / "report.html"), exit=0)
    assert raw_in((tmp_path / "report.html").read_text(encoding="utf-8")) == []
    assert_whole(spoken.swarm, spoken.place.db)


def headings(prompt: str) -> list[str]:
    """Return the headings of a prompt that stand outside of its fences."""
    outside, fence = [], ""
    for line in prompt.splitlines():
        if fence:
            fence = "" if line.strip() == fence else fence
        elif found := re.match(r"(`{3,}|~{3,})", line):
            fence = found[1]
        elif line.startswith("#"):
            outside.append(line)
    assert fence == "", "a fence is left open"
    return outside


def test_no_text_leaves_its_place_in_the_prompts_of_the_next_waves(spoken: Spoken) -> None:
    spoken.ask("approve", "--all", exit=0)
    shapes = set()
    for phase in ("health-amend-a", "health-audit-a"):
        data = spoken.ask("dispatch", phase, form="json", exit=0).data
        for agent in data["agents"]:
            prompt = Path(agent["promptPath"]).read_text(encoding="utf-8")
            assert raw_in(prompt) == []
            shapes.add((phase, *(re.sub(r"\bt\d\d\b", "DOMAIN", line) for line in headings(prompt))))
        if phase == "health-amend-a":
            number = data["waveNumber"]
            ids = [finding["findingId"] for finding in spoken.findings()]
            spoken.say(number, [_amend(text, ids[at]) for at, text in enumerate(spoken.texts)])
            spoken.ask("collect", exit=None)
            for form in ("text", "markdown", "json"):
                spoken.ask("receipt", form=form, exit=0)
            spoken.ask("lease", "list", exit=0)
            spoken.ask("history", str(number), exit=0)
    # The same headings for every agent of a phase, whatever the texts say.
    assert len(shapes) == 2
    assert_whole(spoken.swarm, spoken.place.db)


def _amend(text: str, finding: str) -> dict[str, Any]:
    return {
        "fixes": [{"finding_id": finding, "description": text}, {"finding_id": text[:200] or "x", "description": text}],
        "skipped": [{"finding_id": text[:200] or "x", "reason": text}],
        "confirmed": [text[:200] or "x"],
        "requests": [{"file": "README.md", "reason": text}],
        "files_changed": [],
    }


# In this order, as a reader of markdown goes through a line: an escape, a span of code, markup in force, the rest.
_PIECE = re.compile(r"(\\[!-/:-@\[-`{-~])|(`+)(?!`).+?(?<!`)\2(?!`)|([`*_\[\]<>#|~!&])|(.)")


def markdown_shape(text: str) -> Counter[str]:
    """Count the lines of a markdown text by the markup that is in force in them."""
    lines: Counter[str] = Counter()
    for line in text.splitlines():
        # A cell ends at a pipe that no backslash stands before, in a code span as well.
        pipes = len(re.findall(r"(?<!\\)\|", line))
        markup = "".join(found[3] for found in _PIECE.finditer(line) if found[3])
        lines[f"{line[:2]} {pipes} {markup}"] += 1
    return lines


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[tuple[str, ...]] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen[tag, *sorted(name for name, _ in attrs)] += 1

    def handle_comment(self, data: str) -> None:
        self.seen["comment", data] += 1


def html_shape(text: str) -> Counter[tuple[str, ...]]:
    tags = _Tags()
    tags.feed(text)
    tags.close()
    return tags.seen


def shapes_of(spoken: Spoken, page: Path) -> dict[str, Counter[Any]]:
    spoken.ask(
        "reject", "--ids", spoken.findings()[-1]["findingId"], f"--reason={spoken.texts[0][:MOST_REASON]}", exit=0
    )
    spoken.ask("report", "-o", str(page), exit=0)
    return {
        "findings": markdown_shape(spoken.ask("findings", "--status", "all", form="markdown").out),
        "receipt": markdown_shape(spoken.ask("receipt", form="markdown").out),
        "report": html_shape(page.read_text(encoding="utf-8")),
    }


def test_no_text_changes_the_shape_of_a_page(swarm: Swarm, repo: Repo, tmp_path: Path) -> None:
    found = spoken_in(swarm, repo, tmp_path, TEXTS)
    shaped = shapes_of(found, tmp_path / "hostile.html")
    (repo.root / "swarms").rename(tmp_path / "the other swarms")
    assert shaped == shapes_of(spoken_in(swarm, repo, tmp_path, HARMLESS), tmp_path / "harmless.html")
