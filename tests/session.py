"""A page of the documentation as a session: its files are written and its command lines run, from top to bottom."""

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.conftest import Answer

# A block with a title is a file; a block of the language `console` has command lines and what they print.
BLOCK = re.compile(r'^```(?P<language>\w+)(?: title="(?P<file>[^"]+)")?\n(?P<text>.*?)^```$', re.DOTALL | re.MULTILINE)
HOME = "/home/ann"
# What differs from one run to the next, and from one machine to the next.
VARIES = (
    (r"(?<!F-)\b(?=[0-9a-f]*\d)[0-9a-f]{7,64}\b", "HEX"),
    (r"\b(oxlint|ruff) \d[\w.]*", r"\1 VERSION"),
    (r"\d[\d,.]* (ms|s)\b", r"TIME \1"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "MOMENT"),
    # By the machine: whether a sandbox works there, and which user works there.
    (r"(?m)^(?:⚠ )?Sandbox: .*", "SANDBOX"),
    (r"(?m)^⚠ \w+ without a sandbox: .*\n", ""),
    (r"\bof user \d+", "of user UID"),
)


class Session:
    """Plays a page in an empty folder."""

    def __init__(self, place: Path, swarm: Callable[..., Answer]) -> None:
        self.place = place
        self.swarm = swarm
        self.exit: int | None = 0

    def play(self, page: str) -> str:
        """Return the page as it reads after its commands were run."""
        return BLOCK.sub(self._block, page)

    def _block(self, block: re.Match[str]) -> str:
        if block["file"]:
            file = self.place / block["file"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block["text"], encoding="utf-8")
        elif block["language"] == "console":
            lines = [line for line in block["text"].splitlines() if line.startswith("$ ")]
            return "```console\n" + "".join(f"{line}\n{self._run(line[2:])}" for line in lines) + "```"
        return block[0]

    def _run(self, line: str) -> str:
        if line == "echo $?":
            return f"{self.exit}\n"
        if line.startswith("swarm "):
            answer = self.swarm(*shlex.split(line)[1:], exit=None, cwd=self.place)
            self.exit, printed = answer.exit, answer.out + answer.err
        else:
            done = subprocess.run(["sh", "-c", line], cwd=self.place, capture_output=True, text=True, check=False)
            self.exit, printed = done.returncode, done.stdout + done.stderr
        return printed


def steady(page: str, home: Path) -> list[str]:
    """Return the blocks and commands of a page without blanks and without what varies, the reader's home among it."""
    for pattern, word in VARIES:
        page = re.sub(pattern, word, page)
    # A long path goes on in the next line of a table, wherever it has to.
    blocks = [re.sub(r"\s", "", block) for block in re.split(r"\n(?=\$ |```)", page)]
    return [re.sub(r"swarm-(\d{10}|HEX)-([0-9a-f]{8}|HEX)", "RUN", block.replace(str(home), HOME)) for block in blocks]
