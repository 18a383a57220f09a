"""SARIF log of `findings` and `audit`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from swarm.store.connection import Store
    from swarm.store.runs import Run
    from swarm.waves.look.findings import Filters


def sarif_log(store: "Store", run: "Run", filters: "Filters", new: frozenset[str] | None = None) -> dict[str, Any]:
    """Return the digest as SARIF; without a filter of statuses, all but the fixed findings, closed ones marked.

    `new` are the ids of the findings that are new against the baseline of an audit.
    """
    from swarm.rules.findings import UNFIXED
    from swarm.runtimes.analyzer_table import rule_url
    from swarm.show import sarif
    from swarm.waves.look.findings import findings
    from swarm.waves.look.sarif import in_repository, tools_of, verification_of

    # GitHub knows no `absent`: a fixed finding among the results would stay an open alert.
    filters = filters._replace(statuses=filters.statuses or UNFIXED)
    result = findings(store.conn, run, filters)
    tools = tools_of(store.conn, run, result.wave_number)
    found = in_repository(store.conn, run, filters, sarif.line_hashes)
    scan = sarif.Scan(
        wave=result.wave_number,
        tools=tools,
        hashes=found.hashes,
        root_file=found.root_file,
        url_of=rule_url,
        new=new,
        verification=verification_of(store.conn, run),
    )
    return sarif.log(result.findings, scan)
