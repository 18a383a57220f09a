"""Write the files that are made from the code: schemas, docs/verbs.md, docs/errors.md and the manual page.

The schemas are those of every verb's data, and those of each version of the control plane.

`python tools/generate.py` writes; `--check` writes nothing and exits 1 where a file differs.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import click

from swarm.cli.main import swarm as group
from swarm.cli.verbs import SECTIONS
from swarm.errors import CATALOGUE, ICONS
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
    "report": report.ReportResult,
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
    files = {
        f"schemas/{verb}.schema.json": json.dumps(schema_of(kind, verb), indent=2, ensure_ascii=False) + "\n"
        for verb, kind in DATA.items()
    }
    files |= {
        f"schemas/{name}.schema.json": json.dumps(schema_of(kind, name, title), indent=2, ensure_ascii=False) + "\n"
        for name, (kind, title) in WRITTEN.items()
    }
    files |= {str(text_file(number).relative_to(ROOT)): text for number, text in migrations.schemas().items()}
    files["docs/verbs.md"] = verbs_page()
    files["docs/errors.md"] = errors_page()
    files["docs/swarm.1"] = man_page()
    return files


def verbs_page() -> str:
    """Return the page of verbs, made from their `--help`."""
    parts = ["# Verbs\n\nMade from `swarm VERB --help`; `make generate` writes this page.\n"]
    for section, verbs in SECTIONS.items():
        parts.append(f"\n## {section}\n")
        for name in verbs:
            command = group.get_command(click.Context(group), name)
            if command is None:
                raise AssertionError(name)
            parts += _helps(command, f"swarm {name}")
    return "".join(parts)


def _helps(command: click.Command, name: str) -> list[str]:
    """Return the help of a verb, and of each verb below it."""
    context = click.Context(command, info_name=name, max_content_width=100)
    parts = [f"\n### {name}\n\n```text\n{command.get_help(context)}\n```\n"]
    if isinstance(command, click.Group):
        for inner, part in sorted(command.commands.items()):
            parts += _helps(part, f"{name} {inner}")
    return parts


def errors_page() -> str:
    """Return the page of errors, made from the catalogue."""
    intro = "Every failure has a code, a message and a next step. `swarm explain CODE` prints the same."
    parts = [f"# Errors\n\n{intro}\nMade from the catalogue in `swarm/errors.py`; `make generate` writes this page.\n"]
    for code, kind in sorted(CATALOGUE.items()):
        text, advice = _form(kind.text), _form(kind.advice)
        parts.append(
            f"\n## {code}\n\n"
            f"- Severity: {ICONS[kind.severity]} {kind.severity}; exit code {kind.exit_code}\n"
            f"- When: {kind.when}\n- Says: {text}\n- Next: {advice}\n"
        )
    return "".join(parts)


def _form(text: str) -> str:
    return re.sub(r"\{(\w+)[^}]*\}", r"`<\1>`", text)


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
