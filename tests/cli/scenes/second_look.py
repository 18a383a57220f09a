"""Calls of the `verify-…` verbs, held to their schema, their counts and their file."""

import json
from collections import Counter
from typing import Any

from swarm import documents
from tests.cli.scenes.merge_team import Team
from tests.conftest import Answer

VIA = ("anchor", "cross_ref", "operator", "agent_attestation", "unverifiable")


def looked(team: Team, verb: str, *words: str, exit: int = 0) -> Answer:  # noqa: A002
    """Look again, and hold the document to its schema, its counts and its file."""
    answer = team.swarm(verb, team.run, *words, "--format", "json", exit=exit)
    data = answer.data
    assert documents.check(data, verb) is None
    assert data["exitCode"] == answer.document["exitCode"] == exit
    file = team.place.folder / team.run / f"{verb}-{data['waveNumber']}.json"
    assert json.loads(file.read_text()) == data
    assert_counts(data)
    return answer


def assert_counts(data: dict[str, Any]) -> None:
    """Hold the summary of a delta to its rows."""
    rows, summary = data["findings"], data["summary"]
    by_class = Counter(row["classification"] for row in rows)
    via = Counter(row["verified_via"] for row in rows)
    assert summary == {
        "total": len(rows),
        "verified": by_class["verified"],
        "regressed": by_class["regressed"],
        "claimedButStillPresent": by_class["claimed-but-still-present"],
        "drifted": by_class["drifted"],
        "broken": by_class["broken"],
        "unverifiable": by_class["unverifiable"],
        "verified_via_distribution": {name: via[name] for name in VIA},
    }


def classes(answer: Answer) -> dict[str, tuple[str, str]]:
    return {row["finding_id"]: (row["classification"], row["verified_via"]) for row in answer.data["findings"]}


def audit(team: Team, *code: dict[str, Any], rest: tuple[dict[str, Any], ...] = (), **keys: Any) -> None:
    """A further audit wave in which `code` and `rest` report these."""
    team.swarm("dispatch", team.run, "health-audit-a")
    ((number,),) = team.rows("SELECT max(number) FROM waves")
    team.place.answer("code", *code, wave=number, **keys)
    team.place.answer("rest", *rest, wave=number)
    team.swarm("collect", team.run)


def edited(text: str) -> str:
    """The source with its first line another, so that every other line stands and the file has changed."""
    return text.replace("import os\n", "import os.path\n", 1)


CLOSE = ("--reason", "x", "--evidence", "read it", "--verified-how")
