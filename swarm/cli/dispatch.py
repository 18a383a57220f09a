"""`swarm dispatch`."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from swarm import errors
from swarm.cli import completions
from swarm.cli.call import Call
from swarm.cli.options import key_option, repo_path_option, require_reason, runtime_option, usage, verb
from swarm.results.dispatch import AgentPlan, DispatchResult
from swarm.rules.lessons.section import AdviceSection
from swarm.rules.phases import is_audit
from swarm.show import text
from swarm.show.escape import plain

_MOST_INCLUDED: Final = 5


@verb()
@click.argument("words", nargs=-1, metavar="[RUN] PHASE", shell_complete=completions.runs_and_phases)
@click.option("--isolate", is_flag=True, help="Give every agent a worktree of its own, or fail.")
@click.option("--auto-freeze", is_flag=True, help="Freeze a draft map first.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be dispatched and change nothing.")
@runtime_option("Runtime to plan for; analyzers share one worktree.")
@click.option(
    "--sparse",
    is_flag=True,
    help="With --isolate: check out only a domain's own files and its [reads] of swarm.toml, if they are few.",
)
@click.option(
    "--skip-anchor-check", is_flag=True, help="Amend even if the code of an approved finding is gone; needs --reason."
)
@click.option(
    "--review", is_flag=True, help="Ask agents for a verdict on each open, unreviewed finding of the phase's lens."
)
@click.option("--advise", is_flag=True, help="Put the accepted lessons that fit the repository first in each prompt.")
@key_option("Sign the plan of the wave with this key of yours.", metavar="KEY")
@click.option("--reason", metavar="TEXT", help="Reason; recorded.")
@repo_path_option
def command(  # noqa: PLR0913
    call: Call,
    words: tuple[str, ...],
    runtime: str | None,
    repo_path: Path | None,
    sign: str | None,
    reason: str | None,
    *,
    isolate: bool,
    auto_freeze: bool,
    dry_run: bool,
    sparse: bool,
    skip_anchor_check: bool,
    review: bool,
    advise: bool,
) -> None:
    """Dispatch a wave of PHASE at HEAD: a snapshot of the map, and a prompt and a worktree for each agent.

    The phases are health-audit-a, -b and -c, stage-d-audit, feature-audit, health-amend-a, -b and -c,
    stage-d-amend and feature-execute. With --advise, each prompt begins with the lessons that fit, as data; `swarm
    lessons advise` shows them. With --review, other agents than the reporters confirm or refute what an audit found,
    each in a worktree that it may only read; the run stays in its phase.
    """
    from swarm.waves.dispatch.dispatch import dispatch
    from swarm.waves.dispatch.preconditions import lawful_phase, refusals_reported
    from swarm.waves.dispatch.wave_plan import DispatchRequest

    if not 1 <= len(words) <= 2:  # noqa: PLR2004
        raise usage("it takes a phase, with a run before it or none", "dispatch")
    if sparse and not isolate:
        raise usage("--sparse goes with --isolate", "dispatch")
    if review and (sparse or skip_anchor_check):
        raise usage("--review takes neither --sparse nor --skip-anchor-check", "dispatch")
    named = words[0] if len(words) == 2 else None  # noqa: PLR2004
    why = require_reason(reason, "skipping the anchor check") if skip_anchor_check else None
    with refusals_reported(named):
        phase = lawful_phase(words[-1], named)
        if review and not is_audit(phase):
            raise usage(f"--review looks at the findings of an audit, and {phase} is none", "dispatch")
        with call.read() if dry_run else call.write() as store:
            try:
                run = call.run_here(store, named, repo_path, tell=True)
            except errors.RunNotFound as error:
                raise errors.DispatchRunNotFound(run_id=named or error.run_id, phase=phase) from None
            request = DispatchRequest(
                phase=phase,
                # A reviewer has a tree of its own: whatever it edits is seen.
                isolate=isolate or review,
                auto_freeze=auto_freeze,
                dry_run=dry_run,
                runtime=runtime,
                sparse=sparse,
                skip_anchor_check=skip_anchor_check,
                reason=why,
                is_review=review,
                advice=_advice(call, run.repo) if advise else AdviceSection(),
                sign=sign,
            )
            result = dispatch(store, call.workspace, run, request, call.config(Path(run.local_path)))
    call.answer(result, lambda: _lines(result, asked_for_advice=advise))


def _advice(call: Call, repo: str) -> AdviceSection:
    """Return the advice for a repository, from the lessons beside its records."""
    from swarm.cli.records_options import records_root
    from swarm.evidence.lessons.advise import section_for
    from swarm.rules.lessons.advice import Wanted
    from swarm.rules.record_places import repo_name

    named = repo_name(repo, os.environ.get("GITHUB_REPOSITORY", ""))
    return section_for(records_root(call, None), Wanted(repo=named))


def _lines(result: DispatchResult, *, asked_for_advice: bool) -> Iterator[str]:
    verb_ = "would be dispatched" if result.dry_run else "dispatched"
    kind = ", a review" if result.review else ""
    yield f"Wave {result.wave_number} {verb_} ({result.phase}{kind})"
    yield f"Run: {result.run_id}, at commit {result.dispatch_sha}"
    yield f"{text.counted(len(result.agents), 'agent')}; prompts in {plain(result.prompt_dir)}"
    if result.advice is not None:
        yield f"Advice at the top of each prompt: {', '.join(map(plain, result.advice.lessons))}"
    yield ""
    rows = [(a.domain, _files(a), f"{a.findings:,}", a.worktree_path or "(the checkout)") for a in result.agents]
    asked = "findings to review" if result.review else "known findings"
    yield from text.table(rows, ("agent", "files", asked, "works in"))
    if result.signed_by is not None:
        yield f"Plan {(result.plan_lock or '')[:12]} signed with the key {result.signed_by}"
    yield ""
    if result.included:
        shown = ", ".join(map(plain, result.included[:_MOST_INCLUDED]))
        more = len(result.included) - _MOST_INCLUDED
        yield f"Copied into each worktree: {shown}{f' and {more:,} more' if more > 0 else ''}"
    for finding in result.unrouted:
        yield f"⚠ {finding.finding_id} goes to nobody: {plain(finding.reason)} ({plain(finding.file or 'no file')})"
    for warning in result.warnings:
        yield f"⚠ {plain(warning)}"
    if asked_for_advice and result.advice is None:
        yield "⚠ No accepted lesson fits, so the prompts have no advice: `swarm lessons review` lists the others"
    if result.edited_files_not_seen:
        yield f"⚠ {text.counted(result.edited_files_not_seen, 'edited file')} not seen: a wave looks at HEAD"
    yield f"Next: {result.next_action}"


def _files(agent: AgentPlan) -> str:
    own = f"{agent.files:,}"
    return own if agent.checked_out is None else f"{own} ({agent.checked_out:,} checked out)"
