"""A fix as text: each finding with its state, then the branch, its proof, and the next command."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from swarm.results.fix import FindingToFix, FixProof, FixResult
from swarm.show import text
from swarm.show.build import gate_lines
from swarm.show.escape import plain

_MOST_SHOWN: Final = 50
_MOST_LEFT_OUT: Final = 5
_MOST_BRANCHES: Final = 5
_NO_AGENT: Final = "no agent is named"
_MARKS: Final = {"fixed": "✓", "planned": "·"}
_STATES: Final = {
    "fixed": "fixed",
    "planned": "would be fixed",
    "claimed": "claimed and not proved",
    "not_fixed": "not fixed",
    "left_out": "left out",
}
_SAID_NO: Final = {
    "launch": "an agent's runtime failed, and the wave waits for another try",
    "collect": "the wave failed; nothing of it was merged",
    "verify": "the merged commit is not verified, and is not delivered",
}


def lines(result: FixResult) -> Iterator[str]:
    """Yield a fix as text."""
    if result.findings:
        yield _head(result)
    taken = [finding for finding in result.findings if finding.state != "left_out"]
    for finding in taken[:_MOST_SHOWN]:
        yield _line(finding)
    if len(taken) > _MOST_SHOWN:
        yield f"  … and {len(taken) - _MOST_SHOWN:,} more (--format json lists all)"
    yield from _left_out([finding for finding in result.findings if finding.state == "left_out"])
    along = [finding for finding in result.findings if not finding.is_named]
    if along and len(along) < len(result.findings):
        count = text.counted(len(along), "finding")
        yield f"{count} of these {text.were(len(along))} approved before, and taken along."
    for note in result.notes:
        yield f"⚠ {plain(note)}"
    for wave in result.waves:
        by = f", {plain(wave.runtime)}" if wave.runtime else ""
        yield f"Wave {wave.number} ({wave.phase}{by}): {wave.status}"
    if result.proof is not None:
        yield from _proof(result.proof)
    yield from _ending(result)
    yield f"Next: {result.next_action}"


def _ending(result: FixResult) -> Iterator[str]:
    """Yield the step that stopped the fix and where the work lies, or where the fix was delivered."""
    if result.stopped_at is not None:
        yield f"⊘ Stopped at {result.stopped_at}: {_SAID_NO[result.stopped_at]}."
        yield f"The work lies on {_work(result)}."
    if result.branch is not None and result.fixed_commit is not None and result.stopped_at is None:
        what = "Published to" if result.published else "Branch"
        yield f"{what} {plain(result.branch)} at {result.fixed_commit[:12]}"
    if (pushed := result.pushed) is not None:
        asked = plain(pushed.pull_request) if pushed.pull_request else "gh is not installed, and opens no pull request"
        yield f"Pushed to {plain(pushed.remote)}: {asked}"


def _work(result: FixResult) -> str:
    """Return where the work of a fix lies that was stopped: merged, or on the branches of its agents."""
    if result.branch is not None and result.fixed_commit is not None:
        return f"{plain(result.branch)} at {result.fixed_commit[:12]}"
    branches = [plain(branch) for wave in result.waves for branch in wave.branches]
    return ", ".join(branches[:_MOST_BRANCHES]) + (", …" if len(branches) > _MOST_BRANCHES else "")


def _left_out(findings: Sequence[FindingToFix]) -> Iterator[str]:
    """Yield the findings that nobody fixes: each where they are few, else counted by rule and reason."""
    if len(findings) <= _MOST_LEFT_OUT:
        yield from map(_line, findings)
    else:
        counts = Counter((finding.rule, finding.reason) for finding in findings)
        for (rule, reason), count in counts.most_common(_MOST_LEFT_OUT):
            yield f"⚠ {plain(rule)}: {count:,} left out: {plain(reason)}"
        if (more := len(counts) - _MOST_LEFT_OUT) > 0:
            yield f"⚠ … and those of {text.counted(more, 'rule')} more (--format json lists all)"
    if any(finding.reason.endswith(_NO_AGENT) for finding in findings):
        yield "  An agent is named by --runtime NAME, or by [defaults] runtime of swarm.toml."


def _head(result: FixResult) -> str:
    named = [finding for finding in result.findings if finding.state != "left_out"]
    if result.dry_run:
        return f"{text.counted(len(named), 'finding')} would be fixed, at commit {result.commit[:12]}"
    fixed = sum(finding.state == "fixed" for finding in result.findings)
    return f"{fixed:,} of {text.counted(len(result.findings), 'finding')} fixed"


def _line(finding: FindingToFix) -> str:
    by = " by ".join(filter(None, (finding.domain, plain(finding.runtime or ""))))
    who = f" in {plain(by)}" if by else ""
    cells = (text.place(finding), text.severity(finding.severity), plain(finding.rule), finding.finding_id)
    reason = f": {plain(finding.reason)}" if finding.reason else ""
    return f"{_MARKS.get(finding.state, '⚠')} {'  '.join(cells)}  {_STATES[finding.state]}{who}{reason}"


def _proof(proof: FixProof) -> Iterator[str]:
    yield from gate_lines(proof.build)
    yield f"Fixes that hold in commit {proof.commit[:12]}: {proof.claims_held:,} of {proof.claims:,}"
    if proof.note:
        yield f"⚠ {plain(proof.note)}"
