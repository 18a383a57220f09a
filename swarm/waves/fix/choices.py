"""Refusals of a fix that has nothing to do: each says what there is to choose, and the command that chooses it."""

import shlex
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final

from swarm import errors
from swarm.rules.findings import Decision
from swarm.rules.states import WaveStatus
from swarm.store import decisions, findings, waves
from swarm.store.findings import Selection
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.fix.ground import FixRequest
from swarm.waves.fix.plan import FixPlan, WayOut

_ENDED: Final = (WaveStatus.COLLECTED, WaveStatus.VERIFIED, WaveStatus.ADVANCED)
_MOST_NAMED: Final = 5


def newest_audit(conn: sqlite3.Connection, run: Run) -> Wave:
    """Return the newest audit of a run that was collected. Raises FixNotAudited."""
    audits = [wave for wave in waves.all_of(conn, run.id) if wave.is_audit and not wave.is_review]
    ended = [wave for wave in audits if wave.status in _ENDED]
    if not ended:
        raise errors.FixNotAudited(run_id=run.id)
    return max(ended, key=lambda wave: wave.number)


def words_of(request: FixRequest) -> str:
    """Return the words of a command line that name the same findings."""
    targets = request.targets
    if targets is None:
        return ""
    if targets.ids:
        return " ".join(map(shlex.quote, targets.ids))
    lists = (("--rule", targets.rules), ("--severity", targets.severities))
    named = [f"{option} {shlex.quote(','.join(values))}" for option, values in lists if values]
    confirmed = ["--confirmed"] if targets.is_confirmed else []
    return " ".join([*(named or ["--all"]), *confirmed])


def nothing_to_fix(conn: sqlite3.Connection, run: Run, request: FixRequest, plan: FixPlan) -> "errors.SwarmError":
    """Return the refusal of a fix that takes no finding."""
    if plan.left_out:
        ids: defaultdict[str, list[str]] = defaultdict(list)
        for one in plan.left_out:
            ids[one.reason].append(one.finding.finding_id)
        listed = "; ".join(f"{_some(own)} ({reason})" for reason, own in ids.items())
        words = words_of(request) or "--all"
        return errors.FixNobody(findings=listed, words=words, remedy=_way_out(run, words, plan), run_id=run.id)
    if request.targets is not None and request.targets.ids:
        problem = f"{', '.join(request.targets.ids)} {'is' if len(request.targets.ids) == 1 else 'are'} fixed already"
        remedy = f"`swarm findings {run.id} --status fixed` shows the evidence"
        return errors.FixNothingToFix(problem=problem, remedy=remedy, run_id=run.id)
    undecided = list(decisions.undecided(conn, run.id))
    if not undecided:
        problem = f"no finding of run {run.id} is open and undecided"
        remedy = f"`swarm findings {run.id} --status all` lists every finding; `swarm audit` looks for more"
        return errors.FixNothingToFix(problem=problem, remedy=remedy, run_id=run.id)
    counts = Counter(item.rule_id or item.category for item in undecided)
    by_rule = ", ".join(f"{rule} ({count:,})" for rule, count in counts.most_common(_MOST_NAMED))
    choices = by_rule + (", …" if len(counts) > _MOST_NAMED else "")
    if request.targets is not None:
        remedy = f"`swarm findings {run.id} --group-by rule` counts what is open"
        problem = f"no open finding fits {words_of(request)}; there are {choices}"
        return errors.FixNothingToFix(problem=problem, remedy=remedy, run_id=run.id)
    return errors.FixNothingNamed(
        count=len(undecided), choices=choices, example=f"swarm fix {run.id} {_example(conn, run)}", run_id=run.id
    )


def _way_out(run: Run, words: str, plan: FixPlan) -> str:
    """Return what gets each of the findings fixed: an agent helps with some of them alone."""
    refuted = [one.finding.finding_id for one in plan.left_out if one.way is WayOut.NAMED]
    texts = {
        WayOut.AGENT: f"`swarm fix {run.id} {words} --runtime NAME` gives them to an agent, and so does [defaults]"
        " runtime of swarm.toml; `swarm runtimes` lists the runtimes",
        WayOut.NAMED: f"`swarm fix {run.id} {' '.join(refuted[:_MOST_NAMED])}` fixes what a reviewer refutes",
        WayOut.COMMITTED: "commit the files that hold them, or `swarm audit` where HEAD has moved on",
        WayOut.MAP: f"`swarm domains {run.id}` shows who owns which files;"
        f" `swarm domains {run.id} --unfreeze --reason '…'` lets the map be edited",
    }
    return "; ".join(text for way, text in texts.items() if any(one.way is way for one in plan.left_out))


def _some(ids: Sequence[str]) -> str:
    more = len(ids) - _MOST_NAMED
    return ", ".join(ids[:_MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _example(conn: sqlite3.Connection, run: Run) -> str:
    """Return words that name findings which a tool can fix, else the first finding, for an agent."""
    offered: Counter[str] = Counter()
    first = ""
    for finding in findings.select(conn, run.id, Selection()):
        if finding.decision != Decision.OPEN:
            continue
        first = first or finding.finding_id
        offered[finding.rule_id or finding.category] += bool(finding.fixable)
    rule, count = offered.most_common(1)[0]
    return f"--rule {shlex.quote(rule)}" if count else f"{first} --runtime NAME"
