"""Judgement of a worker's result: nothing of it is believed, and only what is checked enters worktree and folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from swarm import errors
from swarm.documents import read_bounded
from swarm.engine.messages import WorkResult
from swarm.files import write_whole
from swarm.git.runner import GitError
from swarm.runtimes import journal
from swarm.runtimes.supervisor import LOG_BYTES
from swarm.store.artifacts import Body
from swarm.store.attempts import Ending
from swarm.store.waves import Wave
from swarm.waves.hosts.orders import Ordered
from swarm.waves.launch import attempt_files, seals
from swarm.waves.launch.ending import cut
from swarm.waves.launch.ground import WaveLaunch
from swarm.waves.trees.bundles import take_attempt

_MOST_NAMED: Final = 5


class RefusedResult(NamedTuple):
    """Code and problem of a result of which nothing is taken."""

    code: str
    problem: str

    def of(self, ending: Ending) -> Ending:
        """Return the ending of an attempt whose result is refused."""
        return ending._replace(
            outcome="invalid_output", exit_class=3, error_code=self.code, error_fragment=cut(self.problem)
        )


class JudgedResult(NamedTuple):
    """The ending of an attempt, with the seals of the output and the tree of one that succeeded."""

    ending: Ending
    output: Body | None = None
    tree: str | None = None


def judged(
    wave_launch: WaveLaunch, wave: Wave, one: Ordered, result: WorkResult, ending: Ending, files: Mapping[str, Path]
) -> JudgedResult:
    """Take the objects of a result into the places of an agent here, and judge them. `ending` is what its worker says.

    Nothing is asked of the database, so that a thread may judge.
    """
    ending = ending._replace(error_fragment=cut(ending.error_fragment) if ending.error_fragment else None)
    try:
        _keep_logs(one.folder, files)
        if ending.outcome != "success":
            return JudgedResult(ending)
        if "answer" not in files or result.untaken:
            return JudgedResult(_untaken(result.untaken).of(ending))
        repository, workspace, agent = wave_launch.repository, wave_launch.workspace, one.agent
        if work := files.get("work"):
            take_attempt(workspace, wave, repository, agent, one.order, work)
        write_whole(Path(agent.output_path), read_bounded(files["answer"]))
    except (errors.SwarmError, GitError) as error:
        typed = error.typed() if isinstance(error, GitError) else error
        return JudgedResult(RefusedResult(typed.code, typed.message).of(ending))
    output = seals.sealed_output(Path(agent.output_path))
    return JudgedResult(ending, output, seals.sealed_tree(repository, workspace, wave, agent))


def _keep_logs(folder: Path, files: Mapping[str, Path]) -> None:
    """Put the logs of an attempt in their place, of each as much as an attempt on this machine keeps."""
    if not attempt_files.is_in_place_of_attempt(folder):
        return
    for name in ("stdout", "stderr"):
        # As logs of this machine, which nobody waits for either.
        write_whole(folder / f"{name}.log", _head(files[name], LOG_BYTES) if name in files else b"", lasts=False)
    # The whole journal in the place of what signs of life showed of it.
    if "events" in files:
        write_whole(folder / journal.NAME, _head(files["events"], journal.JOURNAL_BYTES), lasts=False)


def _head(file: Path, most: int) -> bytes:
    with file.open("rb") as stream:
        return stream.read(most)


def _untaken(named: Sequence[str]) -> RefusedResult:
    """Return why an end without an answer, or without all of the work, is refused."""
    if named:
        return RefusedResult("WORK_NOT_TAKEN", f"git could not take {', '.join(named[:_MOST_NAMED])} into its work")
    return RefusedResult("NO_OUTPUT", "it answered nothing")
