"""Prove a commit: run its build in a scratch worktree, and show and keep the steps."""

from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from swarm import errors, stage_events
from swarm.builds import registry, runner
from swarm.builds.adapter import Adapter, BuildResult, BuildStep, StepOutcome
from swarm.builds.checkout import Checkout
from swarm.builds.registry import UnknownAdapter
from swarm.config import Config
from swarm.files import make_folder
from swarm.git import sentinel, sentinel_changes
from swarm.git.repository import Repository, files_at, tracked_files
from swarm.git.submodules import fill_submodules
from swarm.results.verify import BuildShown, StepShown
from swarm.rules.build_verdicts import BuildVerdict
from swarm.runtimes.sandbox import Enclosure
from swarm.store.runs import Run
from swarm.store.verifications import KeptStep
from swarm.waves.trees.sandbox_policies import build_enclosure, of_tree, to_read
from swarm.waves.trees.scratch_tree import scratch_tree
from swarm.workspace import Workspace

_MOST_NAMED: Final = 10
_MOST_LINES: Final = 8
_LONGEST_LINE: Final = 200


class Prover(NamedTuple):
    """Proves commits of a run: its repository and workspace, and the adapter that was asked for."""

    repository: Repository
    workspace: Workspace
    run: Run
    config: Config
    adapter: str | None

    def build(self, commit: str) -> BuildResult:
        """Run the build of a commit in a worktree of its own, which is removed afterwards.

        Raises BuildAdapterUnknown, GitError, WorkspaceNotWritable, IsolationUnavailable, and ProofDisturbed where the
        git folder or the checkout changed during the build: the code under test is an agent's.
        """
        enclosure = self.enclosure()
        stage_events.emit("build_started", run_id=self.run.id, commit=commit)
        before = self._surroundings()
        with scratch_tree(self.repository, self.workspace, self.run, commit) as tree:
            empty = fill_submodules(self.repository.git, self.repository.root, tree, commit)
            checkout = self.checkout(commit)
            logs, held = self._log_folder(commit), of_tree(enclosure, self.repository, tree)
            result = runner.run_build(self.chosen(tree), tree, checkout, logs, self.config.verify, enclosure=held)
        if result.steps:
            result = result._replace(isolation=enclosure.isolation)
        if empty and result.verdict is not BuildVerdict.PASS:
            lacks = f"submodule {', '.join(empty)} (`git submodule update --init --recursive` fills the checkout)"
            result = result._replace(lacks=(lacks, *result.lacks))
        after = self._surroundings()
        # A build has no everyday work in the git folder, so also changes that an agent may make disturb a proof.
        against, notes = sentinel_changes.common_changes(before[0], after[0], self.repository.git)
        here = sentinel_changes.primary_changes(self.repository, self.repository.head, before[1], after[1])
        changed = [change.file for change in (*against, *notes, *here)]
        if changed:
            files = (*changed[:_MOST_NAMED], *(["…"] if len(changed) > _MOST_NAMED else []))
            raise errors.ProofDisturbed(commit=commit[:12], files=files, path=str(self.repository.root))
        stage_events.emit("build_ended", run_id=self.run.id, commit=commit, verdict=result.verdict.value)
        return result

    def enclosure(self) -> Enclosure:
        """Return the enclosure of builds, without the tree of any. Raises IsolationUnavailable."""
        return build_enclosure(self.repository, self.workspace, self.config)

    def enclosure_to_read(self, tree: Path, folder: Path) -> Enclosure:
        """Return the enclosure of an analyzer, which writes to no file. Raises IsolationUnavailable."""
        return to_read(self.enclosure(), self.repository, tree, folder)

    def checkout(self, commit: str) -> Checkout:
        """Return the checkout that lends its programs to the build of a commit."""
        git = self.repository.git
        tracked = {*tracked_files(git), *(file.path for file in files_at(git, commit))}
        return Checkout(self.repository.root, tuple(sorted(tracked)))

    def with_adapter_of(self, commit: str) -> "Prover":
        """Return a prover that proves every commit by the adapter that fits this commit. Raises BuildAdapterUnknown."""
        with scratch_tree(self.repository, self.workspace, self.run, commit) as tree:
            adapter = self.chosen(tree)
        return self if adapter is None else self._replace(adapter=adapter.name)

    def chosen(self, tree: Path) -> Adapter | None:
        """Return the adapter that proves a tree. Raises BuildAdapterUnknown."""
        try:
            return registry.choose(tree, self.config.verify, self.adapter)
        except UnknownAdapter as error:
            choices = ", ".join(error.choices)
            raise errors.BuildAdapterUnknown(received=error.name, choices=choices) from error

    def _log_folder(self, commit: str) -> Path:
        """Make the folder of a build's logs, another one for each of two builds at once."""
        folder = self.workspace.proofs_folder(self.run.id)
        make_folder(folder)
        number = sum(entry.is_dir() for entry in folder.iterdir())
        while True:
            number += 1
            place = folder / f"{number:04d}-{commit[:12]}"
            with suppress(FileExistsError):
                place.mkdir(mode=0o700)
                return place

    def _surroundings(self) -> tuple[dict[str, str], dict[str, str]]:
        common = sentinel.fingerprint_common(self.repository.common_dir, self.run.id)
        return common, sentinel.fingerprint_primary(self.repository)


def shown_steps(result: BuildResult) -> tuple[StepShown, ...]:
    """Return the steps of a build in the words of the document."""
    return tuple(
        StepShown(
            name=step.name,
            kind=step.kind,
            argv=step.argv,
            status=step.status.value,
            passed=step.passed,
            exit_code=step.exit_code,
            duration_ms=step.duration_ms,
            test_count=step.test_count,
            log=str(step.log_path),
            last_lines=() if step.passed else last_lines(step),
            hint=step.hint,
        )
        for step in result.steps
    )


def last_lines(step: StepOutcome) -> tuple[str, ...]:
    """Return the last lines of each stream: test runners differ in the stream that they print failures to."""
    streams = ([line for line in text.splitlines() if line.strip()] for text in (step.stdout, step.stderr))
    return tuple(line[:_LONGEST_LINE] for lines in streams for line in lines[-_MOST_LINES:])


def kept_steps(result: BuildResult) -> tuple[KeptStep, ...]:
    """Return the steps of a build as the database keeps them: with the beginning and the end of their output."""
    shown = zip(shown_steps(result), result.steps, strict=True)
    kept = [name for name in KeptStep._fields if name in StepShown._fields]
    return tuple(
        KeptStep(**{name: getattr(one, name) for name in kept}, stdout=step.stdout, stderr=step.stderr)
        for one, step in shown
    )


def planned_step(step: BuildStep) -> StepShown:
    """Return a step that has not run."""
    return StepShown(
        name=step.name,
        kind=step.kind,
        argv=step.argv,
        status="not run",
        passed=False,
        exit_code=None,
        duration_ms=0,
        test_count=None,
        log="",
    )


def shown_gate(result: BuildResult, *, flaky: bool, accepted: str | None) -> BuildShown:
    """Return a build in the words of the document."""
    return BuildShown(
        verdict=result.verdict.value,
        adapter=result.adapter,
        steps=shown_steps(result),
        test_count=result.test_count,
        flaky=flaky,
        accepted=accepted,
        isolation=result.isolation,
    )


def lack_note(result: BuildResult) -> str | None:
    """Return what the tree under proof lacked, and which installed programs were not used; `None` for neither."""
    lacks = [f"the tree under proof lacks {'; '.join(result.lacks)}"] if result.lacks else []
    return "; ".join((*result.notes, *lacks)) or None


def is_red(result: BuildResult) -> bool:
    """Say whether a build failed, and not merely lacks something."""
    return result.verdict is BuildVerdict.FAIL
