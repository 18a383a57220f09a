"""A coding agent that is known by name: its program, its command line for a turn, and what is read from its stream."""

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from swarm.config import RuntimeConfig
from swarm.files import write_whole
from swarm.rules.phases import Phase, is_audit
from swarm.runtimes import programs
from swarm.runtimes.command import file_or_printed
from swarm.runtimes.conversation import Conversation
from swarm.runtimes.runtime import CliFacts, Job, ProcessStep, Product, Program, StepResult

# What a program needs to reach its provider behind a proxy, or with certificates of an own authority.
_NETWORK_VARIABLES: Final = (
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy"),
    *("NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"),
)
_SESSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_READING: Final = (
    "\n\n---\nIn this turn you can read and cannot write, not even the file that is named above. Print the JSON object"
    " as your last message, and nothing after it.\n"
)


class Turn(NamedTuple):
    """A turn of an agent: what it may do, and where. `session` is the one that it goes on with.

    `is_enclosed` says that a sandbox of ours is around the process, so that its own is not needed. `extra` are the
    arguments that the user adds.
    """

    writes: bool
    is_enclosed: bool = False
    with_tools: bool = True
    session: str | None = None
    model: str | None = None
    max_turns: int | None = None
    tree: Path | None = None
    output_folder: Path | None = None
    prompt_path: Path | None = None
    files: Sequence[str] = ()
    extra: tuple[str, ...] = ()


class Cli(NamedTuple):
    """A program: its arguments for a turn, its conversation with a prompt, its variables.

    `program` is the name of its program, where that is another. `passed` are variables that it is given from ours,
    `fixed` those that it gets unless ours say otherwise. `note` is added to its prompt, which it reads from stdin, or
    with `reads_file` from a file.
    """

    name: str
    arguments: Callable[[Turn], Sequence[str]]
    conversation: Callable[[bytes, Turn], Conversation]
    facts: CliFacts
    install: str
    program: str = ""
    passed: tuple[str, ...] = ()
    fixed: Mapping[str, str] = {}
    resumes: bool = True
    reads_file: bool = False
    note: str = ""


class CodingAgent:
    """Launches a coding agent by its own command line, and reads its stream."""

    is_analyzer = False
    is_trusted = False
    writes_tree = True

    def __init__(self, cli: Cli, added: RuntimeConfig | None) -> None:
        self.name = cli.name
        self._cli = cli
        self._added = added or RuntimeConfig(cli.name, "agent", ())
        self.agent: CliFacts | None = cli.facts._replace(model=self._added.model)

    def reads(self, tree: Path, paths: Sequence[str]) -> list[str]:
        """Return every path: an agent may read any file."""
        del tree
        return list(paths)

    def program(self) -> Program:
        """Return the program, and its command line in an amend wave."""
        named, argv = self._added.argv, self._argv(self._turn(writes=True))
        path = self._found(argv[0])
        why = "" if path else f"{argv[0]} is not on PATH; {self._cli.install}"
        asking = self._added.version_argv or (path or "", *named[1:], "--version")
        version = programs.asked(asking) if path else programs.no_version
        return Program(path, version, argv, why, self._cli.install)

    def supports(self, phase: Phase) -> bool:
        """Say that an agent serves every phase."""
        del phase
        return True

    def config_hash(self, tree: Path, files: Sequence[str], phase: Phase) -> str:
        """Return a digest of the command line."""
        del tree, files
        argv = self._argv(self._turn(writes=not is_audit(phase)))
        return hashlib.sha256(json.dumps(argv).encode()).hexdigest()[:16]

    def steps(self, job: Job) -> list[ProcessStep]:
        """Return the process of the agent."""
        note = _READING if job.is_reading else self._cli.note
        prompt, turn = job.prompt_path.read_bytes() + note.encode(), self._turn_of(job)
        if self._cli.reads_file:
            turn = turn._replace(prompt_path=job.attempt_folder / "prompt.md")
            write_whole(job.attempt_folder / "prompt.md", prompt)
        return [self._step(turn, prompt)]

    def follow_up(self, job: Job, session_id: str, prompt: str, *, with_tools: bool) -> ProcessStep | None:
        """Return the process that says one thing more in a session; `None` where it cannot be gone on with."""
        # The id is the agent's own word: with a dash before it, it would be an option of the program.
        if not self._cli.resumes or not _SESSION.fullmatch(session_id):
            return None
        turn = self._turn_of(job)._replace(session=session_id, with_tools=with_tools)
        return self._step(turn, prompt.encode())

    def product(self, job: Job, results: Sequence[StepResult]) -> Product:
        """Return the output file of the agent, else the answer in its last message."""
        said = results[-1].said if results else None
        text = (said and said.final_text) or ""
        nothing = "it wrote no output file, and its last message holds no JSON object"
        if not text:
            nothing = "it ended without a last message and wrote no output file"
        return file_or_printed(job, text.encode(), nothing, "the JSON of its last message")

    def _turn_of(self, job: Job) -> Turn:
        files = [found.file for found in job.assigned if found.file]
        return self._turn(writes=not job.is_reading)._replace(
            is_enclosed=job.is_enclosed,
            tree=job.tree,
            output_folder=job.output_path.parent,
            files=tuple(dict.fromkeys(files)) or tuple(job.files),
        )

    def _turn(self, *, writes: bool) -> Turn:
        added = self._added
        return Turn(writes=writes, model=added.model, max_turns=added.max_turns, extra=added.arguments)

    def _argv(self, turn: Turn) -> tuple[str, ...]:
        return (*(self._added.argv or (self._cli.program or self._cli.name,)), *self._cli.arguments(turn))

    def _found(self, name: str) -> str | None:
        # Named by the user, it may be anywhere; found by its usual name, it is no program of the repository.
        return programs.found(name) if self._added.argv else programs.bundled(name)

    def _step(self, turn: Turn, prompt: bytes) -> ProcessStep:
        argv = self._argv(turn)
        names = (*_NETWORK_VARIABLES, *self._cli.facts.credential, *self._cli.passed, *self._added.environment)
        passed = {name: os.environ[name] for name in names if name in os.environ}
        return ProcessStep(
            (self._found(argv[0]) or argv[0], *argv[1:]),
            environment={**self._cli.fixed, **passed},
            conversation=self._cli.conversation(prompt, turn),
        )
