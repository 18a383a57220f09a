"""Invocation of a verb: its workspace, its run, and its answer."""

import contextlib
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from swarm import __version__, errors, log_lines, stage_events
from swarm.cli import stdout
from swarm.owners import other_owner, own_ids
from swarm.workspace import Workspace, checkout_around, find_workspace, refuse_agents

if TYPE_CHECKING:
    from swarm.config import Config, Unjudged, Withheld
    from swarm.store.connection import Store
    from swarm.store.runs import Run
    from swarm.trust import Trust
    from swarm.waves.dispatched_here import Going

STARTED: Final = time.perf_counter()


class Call:
    """Invocation of a verb, with its database and its output format."""

    def __init__(self, verb: str, database: str | None, form: str, trust: str | None = None) -> None:
        self.verb = verb
        self.form = form
        self._database = database
        self._trust = trust
        self._withheld: Withheld | None = None
        try:
            self.folder = Path.cwd()
        except FileNotFoundError as error:
            raise errors.RepoNotFound(path=os.environ.get("PWD", ".")) from error

    @cached_property
    def workspace(self) -> Workspace:
        """The workspace of this call: `--db`, `SWARM_DB`, or the nearest folder upward."""
        return find_workspace(self._database, os.environ, self.folder)

    @property
    def names_database(self) -> bool:
        """Whether the caller named a control plane, by `--db` or `SWARM_DB`."""
        return bool(self._database or os.environ.get("SWARM_DB"))

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

        self.hold_to_own_workspace()
        return open_store(self.workspace.database, self.verb, create=create)

    def hold_to_own_workspace(self) -> None:
        """Keep agents from the control plane, and users from that of another. Raises OwnedByAnotherUser."""
        refuse_agents(self.folder, os.environ, self.workspace.folder)
        _refuse_others("the workspace", self.workspace.folder, self.workspace.database)

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

    def run_of_own_wave(self, store: "Store", run: "Run", *going: "Going") -> "Run":
        """Return a run, for a verb that goes on with its wave in these ways. Raises WaveFromElsewhere."""
        from swarm.waves.dispatched_here import hold_to_own

        for way in going:
            hold_to_own(store.conn, self.workspace, run, self.trust, way)
        return run

    def config(self, repository: Path | None = None) -> "Config":
        """Return the settings: the workspace's `swarm.toml`, else that of the repository, or of the checkout around.

        Reports executable parts that are not in force, because nobody has trusted them.
        """
        from swarm import config, trust

        folders = self.config_folders(repository)
        found = self.unjudged_config(*folders)
        own = self.unjudged_config(config.of_user(os.environ))
        if own is not None and found is not None and own.place.real_path == found.place.real_path:
            own = None
        # A home inside of the repository holds what the repository brought.
        is_outside = own is not None and not trust.lies_within(own.place.real_path, folders[1])
        settings = config.judged(found, self.trust, own, own_counts=is_outside)
        if (withheld := settings.withheld) is not None:
            self._withheld = withheld
            parts = tuple(withheld.parts)
            stage_events.emit("config_untrusted", path=str(withheld.path), parts=parts, digest=withheld.digest)
            if self.form not in {"text", "json"}:
                # SARIF and Markdown are whole documents, with no place for the line.
                with contextlib.suppress(OSError, ValueError, AttributeError):
                    sys.stderr.writelines(f"{line}\n" for line in self._untrusted_line())
        if settings.trusts_everything or settings.analyzers:
            settings = settings._replace(local_programs=self._local_programs(repository))
        return settings

    def _local_programs(self, repository: Path | None) -> dict[str, str]:
        """Return the analyzers that are programs of the repository, for a user who trusts the repository."""
        from swarm.git.repository import files_at, repository_at
        from swarm.runtimes.local_programs import local_programs

        root = repository or checkout_around(self.folder)
        if root is None:
            return {}

        def tracked() -> frozenset[str]:
            here = repository_at(root)
            return frozenset(file.path for file in files_at(here.git, here.head))

        return local_programs(root, tracked)

    def config_folders(self, repository: Path | None = None) -> tuple[Path, Path]:
        """Return the folders whose `swarm.toml` may be in force: the workspace, and a repository or the one around."""
        return self.workspace.folder, repository or checkout_around(self.folder) or self.folder

    def unjudged_config(self, *folders: Path) -> "Unjudged | None":
        """Return the first `swarm.toml` of some folders, of which nothing was used yet. Raises OwnedByAnotherUser."""
        from swarm import config

        found = config.find(*folders)
        if found is not None and found.place.owner not in own_ids():
            _refuse_others("a configuration", found.place.path, found.place.real_path)
        return found

    @property
    def trust(self) -> "Trust":
        """The trust that the caller gives by `--trust` or `SWARM_TRUST`. Raises CliUsage."""
        from swarm import trust

        return trust.given(self._trust, os.environ)

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
            if self._withheld is not None:
                whole["meta"]["configUntrusted"] = {
                    "path": str(self._withheld.path),
                    "digest": self._withheld.digest,
                    "parts": list(self._withheld.parts),
                }
            write_exact(json.dumps(whole, ensure_ascii=False))
        else:
            from swarm.show.text import harmless

            # Second barrier: a renderer may have missed a control character, such as one in the path of a command.
            for line in itertools.chain(text(), self._untrusted_line()):
                write("\n".join(map(harmless, line.split("\n"))))
        raise SystemExit(exit_code)

    def _untrusted_line(self) -> Iterator[str]:
        if self._withheld is not None:
            from swarm.show.escape import plain

            path, parts = self._withheld.path, ", ".join(self._withheld.parts)
            yield plain(f"⚠ Not trusted, so not used: {parts} of {path}. `swarm trust` shows and trusts them.")


def _refuse_others(what: str, *places: Path) -> None:
    """Refuse places of another user. Raises OwnedByAnotherUser."""
    # Nearly always the disk answers, and git need not be imported for its list of exceptions.
    if other_owner(*places) is not None:
        from swarm.git.owners import refuse_others

        refuse_others(what, *places)


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


def write(text: str) -> None:
    """Write lines for people to stdout; none of them is a command of a CI system."""
    stdout.put(log_lines.shown_lines(text) + "\n")


def write_exact(text: str) -> None:
    """Write a JSON document, as a line, to stdout; its values stay exact."""
    stdout.put(log_lines.exact(text) + "\n")
