"""SARIF log of `findings` and `audit`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from swarm.store.connection import Store
    from swarm.store.runs import Run
    from swarm.waves.look.findings import Filters


def sarif_log(store: "Store", run: "Run", filters: "Filters") -> dict[str, Any]:
    """Return the digest as SARIF; without a filter of statuses, closed findings are included and marked."""
    from swarm.show import sarif
    from swarm.waves.look.findings import EVERY_STATUS, findings, line_hashes

    every = filters if filters.statuses else filters._replace(statuses=(EVERY_STATUS,))
    result = findings(store.conn, run, every)
    hashes = line_hashes(store.conn, run, every, sarif.line_hashes)
    return sarif.log(result.findings, run_id=run.id, wave=result.wave_number, hashes=hashes)
