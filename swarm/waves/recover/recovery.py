"""Recovery of a wave, and the precondition that `resume`, `redrive` and `revalidate` share."""

from pathlib import Path
from typing import NamedTuple

from swarm import errors
from swarm.config import Config
from swarm.git.repository import Repository
from swarm.rules.domains import WHOLE_WAVE
from swarm.rules.states import WaveStatus
from swarm.store.runs import Run
from swarm.store.wave_documents import Violation
from swarm.store.waves import Wave
from swarm.waves.trees import git_folder
from swarm.workspace import Workspace

MOST_NAMED = 10


class Recovery(NamedTuple):
    """A wave that is taken up again, with the verb and the reason."""

    verb: str
    workspace: Workspace
    run: Run
    wave: Wave
    repository: Repository
    config: Config
    reason: str | None

    @property
    def folder(self) -> Path:
        """The folder of the wave's prompts and outputs."""
        return self.workspace.wave_folder(self.run.id, self.wave.number)


def hold_to_git_folder(run: Run, wave: Wave, repository: Repository) -> None:
    """Raises WaveGitFolderChanged where an agent may have changed the git folder that all worktrees share.

    Then git must not run in the worktrees: a changed configuration or hook would run in our name.
    """
    if changed := git_folder.changed_common(wave, repository):
        more = f" and {len(changed) - MOST_NAMED} more" if len(changed) > MOST_NAMED else ""
        files = ", ".join(f".git/{change.file}" for change in changed[:MOST_NAMED]) + more
        # A wave in flight is collected first, and fails.
        is_over = wave.status is not WaveStatus.DISPATCHED
        behind = f"swarm dispatch {run.id} {wave.phase} --isolate" if is_over else f"swarm collect {run.id}"
        raise errors.WaveGitFolderChanged(
            number=wave.number, phase=wave.phase, files=files, behind=behind, run_id=run.id
        )


def unattributed(wave: Wave) -> list[Violation]:
    """Return the violations of a wave whose agent is unknown."""
    return [violation for violation in wave.violations if violation.agent_domain == WHOLE_WAVE]
