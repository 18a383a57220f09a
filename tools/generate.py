"""Write the files that are made from the code: schemas, pages of docs/, and the manual page.

The schemas are those of every verb's data, and those of each version of the control plane.

`python tools/generate.py` writes; `--check` writes nothing and exits 1 where a file differs.
"""

import json
import sys
from pathlib import Path
from typing import Any

from swarm.results import (
    advance,
    attempts,
    audit,
    audit_logs,
    clean,
    collect,
    completion,
    dispatch,
    doctor,
    domains,
    engine,
    events,
    explain,
    export,
    findings,
    fix,
    history,
    ingest,
    init,
    keys,
    launch,
    lease,
    ledger,
    lessons,
    mcp,
    merge,
    permissions,
    persist,
    receipt,
    records,
    redispatch,
    report,
    revalidate,
    rewind,
    runs,
    runtimes,
    schema,
    second_look,
    show,
    status,
    trends,
    triage,
    trust,
    undo,
    verify,
    wait,
    worker,
)
from swarm.results import (
    help as help_verb,
)
from swarm.results.document import schema_of
from swarm.store import migrations
from swarm.store.schema_text import text_file
from tools.man_page import man_page
from tools.pages import documents_page, errors_page, verbs_page
from tools.settings_page import settings_page

ROOT = Path(__file__).parent.parent
DATA: dict[str, Any] = {
    "init": init.InitResult,
    "domains": domains.DomainsResult,
    "doctor": doctor.DoctorResult,
    "runtimes": runtimes.RuntimesResult,
    "trust": trust.TrustResult,
    "keys": keys.KeysResult,
    "engine": engine.EngineResult,
    "worker": worker.WorkerResult,
    "audit": audit.AuditResult,
    "fix": fix.FixResult,
    "dispatch": dispatch.DispatchResult,
    "launch": launch.LaunchResult,
    "wait": wait.WaitResult,
    "permissions": permissions.PermissionsResult,
    "collect": collect.CollectResult,
    "merge": merge.MergeResult,
    "verify": verify.VerifyResult,
    "advance": advance.AdvanceResult,
    "runs": list[runs.RunShown],
    "status": status.StatusResult,
    "findings": findings.FindingsResult,
    "show": show.ShowResult,
    "history": history.HistoryResult,
    "events": events.EventsResult,
    "receipt": receipt.WaveReceipt | receipt.SignedReceipt | receipt.ReceiptCheck,
    "attempts": attempts.AttemptsResult,
    "audit-logs": audit_logs.AuditLogsResult,
    "explain": explain.Explanation,
    "trends": trends.TrendsResult,
    "report": report.ReportResult | report.ReportServed,
    "export": export.ExportResult,
    "schema": schema.SchemaResult,
    "approve": triage.TriageResult,
    "defer": triage.TriageResult,
    "reject": triage.TriageResult,
    "reopen": triage.TriageResult,
    "close": triage.TriageResult,
    "triage": triage.ImportResult,
    "lease": lease.LeasesResult,
    "resume": redispatch.RedispatchResult,
    "redrive": redispatch.RedispatchResult,
    "revalidate": revalidate.RevalidateResult,
    "rewind": rewind.RewindResult,
    "clean": clean.CleanResult,
    "undo": undo.UndoResult,
    "verify-fixed": second_look.Delta,
    "verify-recurring": second_look.Delta,
    "verify-unverified": second_look.Delta,
    "verify-approved": second_look.Delta,
    "ledger": ledger.ChainShown | ledger.ReplayShown,
    "lessons": lessons.LessonsListed
    | lessons.LessonsReviewed
    | lessons.LessonsDerived
    | lessons.LessonsSynthesized
    | lessons.LessonsAdvised
    | lessons.LessonsExported,
    "persist": persist.PersistResult,
    "ingest": ingest.IngestResult,
    "records": records.RecordsListed | records.RecordWhole | records.Reindexed | records.Portfolio,
    "help": help_verb.HelpText,
    "mcp": mcp.McpResult,
    "completion": completion.Completion,
}
# Documents that a verb writes as a file, and the title of each.
WRITTEN: dict[str, tuple[Any, str]] = {"run-export": (persist.RunExport, "run-export.json of `swarm persist`")}


def made() -> dict[str, str]:
    """Return every generated file with its content."""
    schemas = {verb: schema_of(kind, verb) for verb, kind in DATA.items()}
    files = {
        f"schemas/{verb}.schema.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for verb, schema in schemas.items()
    }
    files |= {
        f"schemas/{name}.schema.json": json.dumps(schema_of(kind, name, title), indent=2, ensure_ascii=False) + "\n"
        for name, (kind, title) in WRITTEN.items()
    }
    files |= {str(text_file(number).relative_to(ROOT)): text for number, text in migrations.schemas().items()}
    files["docs/verbs.md"] = verbs_page()
    files["docs/errors.md"] = errors_page()
    files["docs/schemas.md"] = documents_page(schemas, written_by_hand(schemas))
    files["docs/swarm-toml.md"] = settings_page(written_by_hand(schemas)["swarm-toml"])
    files["docs/swarm.1"] = man_page()
    return files


def written_by_hand(verbs: dict[str, Any]) -> dict[str, Any]:
    """Return the schemas of files that people and agents write, and of those that swarm keeps."""
    files = sorted((ROOT / "schemas").glob("*.schema.json"))
    named = {file.name.removesuffix(".schema.json"): file for file in files}
    return {name: json.loads(file.read_text(encoding="utf-8")) for name, file in named.items() if name not in verbs}


def main() -> int:
    """Write the files, or compare them with `--check`."""
    stale = []
    for name, content in made().items():
        file = ROOT / name
        if not file.exists() or file.read_text(encoding="utf-8") != content:
            stale.append(name)
            if "--check" not in sys.argv:
                file.parent.mkdir(exist_ok=True)
                file.write_text(content, encoding="utf-8")
    for name in stale:
        print(("differs: " if "--check" in sys.argv else "written: ") + name)
    return int("--check" in sys.argv and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
