"""Receipt files of a verification, in the folder of its wave."""

import json
import sqlite3

from swarm.files import write_whole
from swarm.store import receipts
from swarm.store.runs import Run
from swarm.workspace import Workspace


def write_receipts(conn: sqlite3.Connection, workspace: Workspace, run: Run) -> None:
    """Write the receipts of verifications as files; also those of calls that were killed before they could."""
    folder = workspace.run_folder(run.id) / "proofs"
    for kept in receipts.receipts_of(conn, run.id):
        file = folder / f"verification-{kept.verification_id}.json"
        if kept.verification_id is not None and not file.exists():
            document = json.dumps(kept.document, ensure_ascii=False, indent=1, sort_keys=True)
            write_whole(file, document + "\n")
