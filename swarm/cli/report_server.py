"""`swarm report --serve`: looks at the control plane, and shows each to the server of the page."""

import json
import sqlite3
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from swarm.cli.call import Call, envelope, write, write_exact
from swarm.files import write_whole
from swarm.page_server import answers
from swarm.page_server.answers import Findings, Shown
from swarm.page_server.server import serve
from swarm.results.document import document
from swarm.results.report import ReportServed
from swarm.show.escape import plain
from swarm.show.page.report import served_page, served_policy
from swarm.show.page.rows import RowListing, RowsListed, data, row_of
from swarm.store import findings
from swarm.store.runs import Run
from swarm.waves.look.report import facts, listed
from swarm.waves.watch.live import agents_of_newest, journals_of
from swarm.waves.watch.looks import PAUSE_SECONDS, Look, looks


class _Looks:
    """Looks at a run. Requests are answered from the last look: no request reaches the control plane."""

    def __init__(self, call: Call, named: str | None) -> None:
        self._call = call
        self._as_of: object = None
        self._findings: Findings | None = None
        self._listed: RowsListed | None = None
        with call.read() as store:
            # The run stays the same, also where a newer run begins meanwhile.
            self.run_id = call.run(store, named).id

    def states(self, over: threading.Event) -> Iterator[Shown]:
        """Yield the state of the run, and each later state until `over` is set. Raises the errors of the first look."""
        shown: Shown | None = None
        for found in looks(self._call.workspace.database, self._look, lambda: not over.wait(PAUSE_SECONDS)):
            if isinstance(found, Shown):
                shown = found
                yield shown
            elif shown is not None:
                yield shown._replace(problem=plain(str(found)))

    def _look(self) -> Look[Shown]:
        with self._call.read() as store:
            run = self._call.run(store, self.run_id)
            # A snapshot: a wave collected in between would make the counts contradict each other.
            with store.snapshot() as conn:
                shown, agents = facts(conn, run), agents_of_newest(conn, run)
                as_of = findings.as_of(conn)
            if self._findings is None or self._as_of != as_of:
                # 100,000 findings take seconds, for which no writer is to wait; agents at work change none of them.
                with store.copy() as copy:
                    self._findings = self._next(copy, run)
        page = answers.in_memory("text/html; charset=utf-8", served_page(shown, agents))
        return Look(Shown(page, self._findings), journals_of(agents))

    def _next(self, copy: sqlite3.Connection, run: Run) -> Findings:
        """Return the findings of a copy, with what changed since those before."""
        known, listing = facts(copy, run), RowListing(self._listed)
        whole = answers.in_a_file("application/json", data(known, listing.noting(map(row_of, listed(copy, run)))))
        step = listing.step(known)
        self._listed, self._as_of = listing.listed, findings.as_of(copy)
        return self._findings.followed_by(whole, step) if self._findings else Findings(whole)


def serve_report(call: Call, named: str | None, port: int, *, opens: bool) -> None:
    """Serve the page of a run until Ctrl-C or SIGTERM. Raises ReportPortTaken, and as `report` does."""
    observed, over = _Looks(call, named), threading.Event()
    with _way_in(call.workspace.run_folder(observed.run_id), is_wanted=opens) as way_in:

        def is_ready(url: str) -> None:
            _announce(call, ReportServed(observed.run_id, url, urlsplit(url).port or port))
            way_in(url)

        serve(served_policy(), observed.states(over), port, is_ready=is_ready, over=over)


def _announce(call: Call, result: ReportServed) -> None:
    if call.form == "json":
        write_exact(json.dumps(envelope(call.verb, 0, document(result)), ensure_ascii=False))
    else:
        write(f"Report of {result.run_id}: {result.url}")
        write("It is for this machine and this user, and changes nothing. Ctrl-C ends it.")
    sys.stdout.flush()


@contextmanager
def _way_in(folder: Path, *, is_wanted: bool) -> Iterator[Callable[[str], None]]:
    """Yield a function that opens an address in the user's browser, by a file that is removed at the end."""
    file = folder / "report-open.html"

    def way_in(url: str) -> None:
        if is_wanted:
            # Other users of the machine see the command line of a browser, and must not see the address.
            write_whole(file, f'<!doctype html><meta http-equiv="refresh" content="0;url={url}">')
            threading.Thread(target=_open, args=(file,), daemon=True).start()

    try:
        yield way_in
    finally:
        with suppress(OSError):
            file.unlink()


def _open(file: Path) -> None:
    # In a thread: a browser of the terminal would hold the server until it ends.
    if not webbrowser.open(file.as_uri()):
        sys.stderr.write("⚠ No browser was found; open the address in one.\n")
