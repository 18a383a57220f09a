"""Actors that work with `swarm`: dice choose the next verb, its arguments and its run."""

import random
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from soak.calls import Answer
from soak.stages import AMEND, AUDIT, DOMAINS

FILES = ("src/part_0.py", "docs/page_0.md", "README.md", "Makefile")
FINDINGS = 12


class Actor:
    """One of those who work at once. `call` runs a verb; a token marks what it shall write."""

    def __init__(
        self, root: Path, dice: random.Random, name: str, runs: list[str], call: Callable[..., Answer]
    ) -> None:
        self._root, self._dice, self._name, self._runs, self._call = root, dice, name, runs, call
        self._count = 0

    def act(self) -> None:
        """Do one thing."""
        self._count += 1
        token = f"t{self._name}-{self._count}"
        (act,) = self._dice.choices(
            (self._follow, self._read, self._decide, self._lease, self._recover, self._administer),
            weights=(40, 16, 20, 6, 12, 6),
        )
        act(self._dice.choice(self._runs), token)

    def _follow(self, run: str, token: str) -> None:
        """Do what `status` says comes next, as somebody does who has nothing else in mind."""
        status = self._call(token, "status", run)
        if not status.is_done:
            return
        following = shlex.split(status.data["assessment"]["nextAction"].replace("…", token))
        words = following[1:] if following[:1] == ["swarm"] else ["collect", run]
        if words[0] == "dispatch":
            words += ["--isolate", "--runtime", "moody"] if "--isolate" not in words else ["--runtime", "moody"]
        if words[0] in {"resume", "revalidate"} and "--apply" not in words:
            words += ["--apply", "--reason", token]
        if words[0] == "approve":
            words += ["--reason", token]
        self._call(token, *words)

    def _read(self, run: str, token: str) -> None:
        page = str(self._root.parent / f"report-{self._name}.html")
        verbs: tuple[tuple[str, ...], ...] = (
            ("status", run),
            ("findings", run),
            ("show", self._finding(run) or "exit:1", "--run", run),
            ("history", "1", "--run", run),
            ("runs",),
            ("events", "--after", "3"),
            ("ledger", "verify"),
            ("report", run, "-o", page),
            ("receipt", run),
        )
        words = self._dice.choice(verbs)
        self._call(token, *(("explain", "exit:1") if "exit:1" in words else words))

    def _decide(self, run: str, token: str) -> None:
        finding = self._finding(run)
        if finding is None:
            return
        evidence = ("--evidence", "looked")
        verbs: tuple[tuple[str, ...], ...] = (
            ("approve", run, "--ids", finding, "--reason", token),
            ("defer", run, "--ids", finding, "--reason", token),
            ("reject", run, "--ids", finding, "--reason", token),
            ("reopen", run, "--ids", finding, "--reason", token, *evidence),
            ("close", run, "--ids", finding, "--reason", token, *evidence, "--verified-how", "operator_evidence"),
            ("approve", run, "--all", "--reason", token),
        )
        self._call(token, *self._dice.choice(verbs))

    def _lease(self, run: str, token: str) -> None:
        domain, file = self._dice.choice(DOMAINS), self._dice.choice(FILES)
        verb = self._dice.choice(("grant", "deny"))
        self._call(token, "lease", verb, run, "--domain", domain, "--file", file, "--reason", token)

    def _recover(self, run: str, token: str) -> None:
        why = ("--apply", "--reason", token)
        verbs: tuple[tuple[str, ...], ...] = (
            ("resume", run, *why),
            ("revalidate", run, *why),
            ("clean", run, *why),
            ("doctor", "--fix", *why),
            ("collect", run),
            ("launch", run),
            ("merge", run),
            ("verify", run),
            ("advance", run, "--override", "--reason", token),
            ("dispatch", run, self._dice.choice((AUDIT, AMEND)), "--isolate", "--runtime", "moody"),
        )
        self._call(token, *self._dice.choice(verbs))

    def _administer(self, run: str, token: str) -> None:
        globs = ("--globs", '["src/*_1.py"]')
        seconds = 1000 + int(self._name) * 1000 + self._count
        verbs: tuple[tuple[str, ...], ...] = (
            ("init", ".", "--new", "--domains-from", str(self._root.parent / "domains.json")),
            ("runs", "--run", run, "--set-timeout", str(seconds)),
            ("domains", run, "--add", token, *globs),
            ("domains", run, "--unfreeze", "--reason", token),
            ("domains", run, "--freeze"),
            ("domains", run, "--check"),
        )
        answer = self._call(token, *self._dice.choice(verbs))
        if answer.argv[0] == "init" and answer.is_done and len(self._runs) < FINDINGS:
            self._runs.append(answer.data["runId"])

    def _finding(self, run: str) -> str | None:
        listed = self._call("", "findings", run, "--status", "all", "--limit", str(FINDINGS))
        found: list[dict[str, Any]] = listed.data["findings"] if listed.is_done else []
        return str(self._dice.choice(found)["findingId"]) if found else None
