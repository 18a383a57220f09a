"""Rules of ruff, as ruff itself describes them."""

import json
import re
import subprocess
from typing import Final, NamedTuple

from swarm.runtimes import programs
from swarm.runtimes.environment import agent_environment

_CODE: Final = re.compile(r"[A-Z]{1,10}[0-9]{1,6}", re.ASCII)


class RuffRule(NamedTuple):
    """A rule: its name, the linter that it came from, a summary, whether ruff fixes it, and Markdown about it."""

    name: str
    linter: str
    summary: str
    fix: str
    explanation: str


def ruff_rule(code: str) -> RuffRule | None:
    """Return the rule of a code, `None` where the bundled ruff has no such rule or there is no ruff."""
    program = programs.bundled("ruff")
    if program is None or _CODE.fullmatch(code) is None:
        return None
    try:
        done = subprocess.run(
            [program, "rule", "--output-format", "json", code],
            env=agent_environment({}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=programs.VERSION_SECONDS,
            check=True,
            start_new_session=True,
        )
        rule = json.loads(done.stdout)
        words = (rule[key] for key in ("name", "linter", "summary", "fix", "explanation"))
        return RuffRule(*(word if isinstance(word, str) else "" for word in words))
    except (OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError):
        return None
