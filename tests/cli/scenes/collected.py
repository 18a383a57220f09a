"""Answers of `swarm collect`, and the worktrees that it judges."""

from pathlib import Path

from tests.conftest import Answer, Workspace


def tree_of(workspace: Workspace, domain: str, wave: int = 1) -> Path:
    return workspace.folder / workspace.run / f"worktrees/w{wave}-{domain}"


def statuses(answer: Answer) -> dict[str, str]:
    return {agent["domain"]: agent["status"] for agent in answer.data["agents"]}


def violations(answer: Answer) -> list[tuple[str, str, str]]:
    return [(v["file"], v["agentDomain"], v["actualOwner"]) for v in answer.data["violations"]]
