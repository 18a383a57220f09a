"""Errors of recovery, `clean` and `rewind`."""

from swarm.errors.catalogue import Severity, SwarmError


class RecoveryNotApplicable(SwarmError):
    code = "RECOVERY_NOT_APPLICABLE"
    severity = Severity.MEDIUM
    text = "{action}: {problem}"
    advice = "{remedy}"
    when = "`redrive` of a wave that is in flight or not the latest; `revalidate` of an agent that is not blocked"
    action: str
    problem: str
    remedy: str


class WaveGitFolderChanged(SwarmError):
    code = "WAVE_GIT_FOLDER_CHANGED"
    severity = Severity.HIGH
    text = "The git folder was changed since wave {number} began, and not by swarm: {files}"
    advice = "check each of them, revert what you did not change, and repeat; or abandon the wave: `{behind}`"
    when = (
        "`resume`, `redrive` or `revalidate` of a wave whose git folder was changed: git is no longer run in its trees"
    )
    number: int
    phase: str
    files: str
    behind: str
    run_id: str


class WorkAtRisk(SwarmError):
    code = "WORK_AT_RISK"
    severity = Severity.HIGH
    text = "{name} holds what would be lost: {problem}"
    advice = "`swarm clean {run_id} --force --apply --reason '…'` saves it below refs/swarm/salvage/ before it goes"
    when = "`clean` leaves a worktree or a branch: the state of its report, and exit 1 with `--apply`"
    name: str
    problem: str
    run_id: str


class SavePointUnknown(SwarmError):
    code = "SAVE_POINT_UNKNOWN"
    severity = Severity.HIGH
    text = "No save point is called '{received}'{told}"
    advice = "`swarm status --format json` shows a run's save point; another ref needs `--force-arbitrary-ref`"
    when = "`rewind` to a word that names no save point, no run and no commit of the repository"
    received: str
    told: str = ""


class RewindRefused(SwarmError):
    code = "REWIND_REFUSED"
    severity = Severity.HIGH
    text = "The checkout cannot be rewound: {problem}"
    advice = "{remedy}"
    when = (
        "`rewind` on a detached HEAD, another branch or repository than the run's, in the middle of a merge, where a "
        "branch is checked out twice, or where the control plane itself is a tracked file"
    )
    problem: str
    remedy: str
    run_id: str


class RewindNotClean(SwarmError):
    code = "REWIND_NOT_CLEAN"
    severity = Severity.HIGH
    text = "{path} has {counted} that rewinding would overwrite: {files}"
    noun = "file"
    advice = "commit or stash them, or add `--force`, which saves them below refs/swarm/salvage/ first"
    when = "`rewind` without `--force`, and uncommitted changes, or untracked files at places of the save point's files"
    path: str
    count: int
    files: str


class RewindStateSplit(SwarmError):
    code = "REWIND_STATE_SPLIT"
    severity = Severity.CRITICAL
    text = "Branch {branch} is at {save_point}, and run {run_id} does not know it: {problem}"
    advice = "resolve what SQLite reports, then repeat the same `swarm rewind` command, which finishes it"
    when = "`rewind` moved the branch, and its transaction failed; the run's state is unchanged"
    branch: str
    save_point: str
    problem: str
    run_id: str
    state_split: bool = True


class UndoRefused(SwarmError):
    code = "UNDO_REFUSED"
    severity = Severity.HIGH
    text = "The last {verb} cannot be undone: {problem}"
    advice = "{remedy}; nothing was changed"
    when = "`undo`, and a branch, a folder or the checkout is no longer as the verb left it, or a commit is gone"
    verb: str
    problem: str
    remedy: str
    run_id: str
