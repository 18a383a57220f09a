"""Invocation of a verb: its workspace, its run, and its answer."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from swarm import __version__, errors, stage_events
from swarm.workspace import Workspace, checkout_around, find_workspace, refuse_agents

if TYPE_CHECKING:
    from swarm.config import Config
    from swarm.store.connection import Store
    from swarm.store.runs import Run

STARTED: Final = time.perf_counter()


class Call:
    """Invocation of a verb, with its database and its output format."""

    def __init__(self, verb: str, database: str | None, form: str) -> None:
        self.verb = verb
        self.form = form
        self._database = database
        try:
            self.folder = Path.cwd()
        except FileNotFoundError as error:
            raise errors.RepoNotFound(path=os.environ.get("PWD", ".")) from error

    @property
    def workspace(self) -> Workspace:
        """The workspace of this call: `--db`, `SWARM_DB`, or the nearest folder upward."""
        return find_workspace(self._database, os.environ, self.folder)

    def read(self) -> "Store":
        """Open the control plane; SQLite refuses every write through the store."""
        store = self._open(create=False)
        store.forbid_writes()
        return store

    def write(self, *, create: bool = False) -> "Store":
        """Open the control plane for changes."""
        return self._open(create=create)

    def _open(self, *, create: bool) -> "Store":
        from swarm.store.connection import open_store

        refuse_agents(self.folder, os.environ)
        return open_store(self.workspace.database, self.verb, create=create)

    def run(self, store: "Store", named: str | None, *, tell: bool = False) -> "Run":
        """Return the run that an argument names. Without an argument, `tell` reports the chosen run on stderr."""
        run = self._selected(store, named, tell=tell)
        # Nearly always the caller stands in the recorded checkout, and git need not be imported to see it.
        if checkout_around(self.folder) in {None, Path(run.local_path).resolve()}:
            return run
        from swarm.waves.run_place import placed

        return placed(run, self.folder)

    def _selected(self, store: "Store", named: str | None, *, tell: bool) -> "Run":
        from swarm.waves.selection import select_run

        run = select_run(store.conn, named, self.folder)
        if named is None and tell:
            stage_events.emit("run_selected", run_id=run.id)
        return run

    def run_here(self, store: "Store", named: str | None, repo_path: Path | None, *, tell: bool = False) -> "Run":
        """Return the run, with `local_path` as the place of its repository on this machine. Raises RepoNotFound."""
        from swarm.waves.run_place import located

        return located(store.conn, self._selected(store, named, tell=tell), repo_path, self.folder)

    def run_with_trees(self, store: "Store", named: str | None, repo_path: Path | None) -> "Run":
        """Return the run for a verb that works on its worktrees. Raises RunElsewhere."""
        from swarm.waves.run_place import hold_to_trees

        run = self.run_here(store, named, repo_path, tell=True)
        if repo_path is None:
            hold_to_trees(store.conn, self.workspace, run)
        return run

    def run_in_place(self, store: "Store", named: str | None, repo_path: Path | None) -> "Run":
        """Return the run for a verb that needs its files where they were made. Raises WorkspaceMoved, RunElsewhere."""
        from swarm.waves.run_place import hold_to_place

        run = self.run_with_trees(store, named, repo_path)
        hold_to_place(store.conn, self.workspace, run)
        return run

    def config(self, repository: Path) -> "Config":
        """Return the settings: the workspace's `swarm.toml`, else the repository's."""
        from swarm import config

        return config.load(self.workspace.folder, repository)

    def answer(
        self, data: Any, text: Callable[[], Iterable[str]], exit_code: int = 0, *, timed: bool = True
    ) -> NoReturn:
        """Print a result as the one JSON document or as text, and exit.

        `timed=False` leaves `duration_ms` null, for a document that must be the same bytes each time.
        """
        if self.form == "json":
            from swarm.results.document import document

            whole = envelope(self.verb, exit_code, document(data))
            if not timed:
                whole["meta"]["duration_ms"] = None
            write(json.dumps(whole, ensure_ascii=False))
        else:
            from swarm.show.text import harmless

            # Second barrier: a renderer may have missed a control character, such as one in the path of a command.
            for line in text():
                write("\n".join(map(harmless, line.split("\n"))))
        raise SystemExit(exit_code)


def envelope(verb: str, exit_code: int, data: Any) -> dict[str, Any]:
    """Return the document of a verb that succeeded."""
    return {"ok": True, "command": verb, "exitCode": exit_code, "data": data, "meta": meta(verb)}


def streamed(verb: str, exit_code: int, data: Mapping[str, Any], name: str, items: Iterable[str]) -> Iterator[str]:
    """Yield the document of a verb in parts; `items`, JSON texts, are the list `name` of its data."""
    members = ((key, _array(items) if key == name else (_dumped(value),)) for key, value in data.items())
    whole = envelope(verb, exit_code, None)
    return _object((key, _object(members) if key == "data" else (_dumped(value),)) for key, value in whole.items())


def _object(members: Iterable[tuple[str, Iterable[str]]]) -> Iterator[str]:
    separator = "{"
    for key, parts in members:
        yield f"{separator}{_dumped(key)}: "
        yield from parts
        separator = ", "
    yield "}"


def _array(items: Iterable[str]) -> Iterator[str]:
    separator = "["
    for item in items:
        yield separator + item
        separator = ", "
    yield "]" if separator == ", " else "[]"


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def failure(verb: str, error: errors.SwarmError | BaseException, exit_code: int) -> dict[str, Any]:
    """Return the document of a verb that failed."""
    fields: dict[str, Any] = {"code": None, "message": str(error), "hint": None}
    if isinstance(error, errors.SwarmError):
        from swarm.results.document import camel, document

        fields = {"code": error.code, "message": error.message, "hint": error.hint}
        fields |= {camel(name): document(value) for name, value in error.fields.items() if camel(name) not in fields}
    if error.__cause__ is not None:
        fields["cause"] = str(error.__cause__)
    return {"ok": False, "command": verb, "exitCode": exit_code, "error": fields, "meta": meta(verb)}


def meta(verb: str) -> dict[str, Any]:
    """Return the part of a document that describes the document."""
    elapsed = int((time.perf_counter() - STARTED) * 1000)
    return {"schema": f"swarm.{verb}/v1", "version": __version__, "duration_ms": elapsed}


def write(line: str) -> None:
    """Write a line to stdout in any encoding."""
    try:
        sys.stdout.write(line + "\n")
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "ascii"
        sys.stdout.write((line + "\n").encode(encoding, "backslashreplace").decode(encoding))
