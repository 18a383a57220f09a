"""Calls of `swarm verify`, and the claims that offend in its document."""

from tests.cli.scenes.merge_team import Team
from tests.conftest import Answer


def verified(team: Team, *words: str, exit: int = 0) -> Answer:  # noqa: A002
    return team.swarm("verify", team.run, *words, "--format", "json", exit=exit)


def offending(answer: Answer) -> list[tuple[str, str]]:
    return [(row["finding_id"], row["classification"]) for row in answer.data["claims"]["offending"]]


def wave_status(team: Team) -> str:
    ((status,),) = team.rows("SELECT status FROM waves ORDER BY number DESC LIMIT 1")
    return str(status)
