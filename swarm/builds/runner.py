"""Run every step of a build, and judge the results."""

import os
import uuid
from pathlib import Path
from typing import Final

from swarm.builds.adapter import Adapter, BuildResult, StepOutcome
from swarm.builds.checkout import Checkout
from swarm.builds.configured import setup_steps
from swarm.builds.environment import build_environment
from swarm.builds.installed_elsewhere import installed_elsewhere
from swarm.builds.interpreters import passed_over
from swarm.builds.missing_parts import lacks_of
from swarm.builds.node_modules import lend_packages, withhold_programs
from swarm.builds.package_caches import cache_variables
from swarm.builds.step_run import BuildSite, run_step
from swarm.builds.tree_imports import tree_imports
from swarm.rules.build_verdicts import BuildVerdict, verdict_of
from swarm.rules.sandbox_policy import Right
from swarm.runtimes.lifeline import lifeline
from swarm.runtimes.processes import end_all_with
from swarm.runtimes.sandbox import NONE, UNENCLOSED, Enclosure
from swarm.verify_config import VerifyConfig

_MARK: Final = "SWARM_BUILD"


def run_build(
    adapter: Adapter | None,
    tree: Path,
    checkout: Checkout,
    log_folder: Path,
    config: VerifyConfig,
    *,
    seconds: float | None = None,
    enclosure: Enclosure = UNENCLOSED,
) -> BuildResult:
    """Run the set-up and every step of an adapter in a scratch worktree, also after a step has failed.

    `seconds` bounds each step, else the configuration does. Each step has a folder of logs. In an enclosure, the
    processes of the build share an empty home.
    Raises WorkspaceNotWritable and OSError where the logs cannot be written.
    """
    if adapter is None:
        return BuildResult(None, BuildVerdict.SKIP, (), None)
    withheld = withhold_programs(tree, checkout)
    limit = config.timeout_seconds if seconds is None else seconds
    # A process of a step can leave its group and its session; the mark in its environment identifies the process still.
    mark = {_MARK: uuid.uuid4().hex}
    variables = build_environment(config.environment) | {"PATH": checkout.path()} | mark
    if checkout.brings(Path(variables.get("VIRTUAL_ENV", os.devnull))):
        del variables["VIRTUAL_ENV"]
    with tree_imports(tree, checkout.root) as imports, lifeline(mark):
        if enclosure.backend != NONE:
            variables = cache_variables(enclosure.home, enclosure.policy, variables)
            enclosure = _with_home(enclosure, imports.folder.with_name("home"), checkout)
        site = BuildSite(tree, variables, limit, imports, enclosure)
        try:
            outcomes = _set_up(site, checkout, log_folder, config)
            if all(outcome.passed for outcome in outcomes):
                checkout = checkout.after_setup(tree) if outcomes else checkout
                # Only now: an installer could write through the links to the packages of the user.
                lend_packages(tree, checkout)
                steps = adapter.steps(tree, checkout)
                numbered = enumerate(steps, len(outcomes) + 1)
                outcomes += tuple(run_step(step, site, log_folder / f"{n}-{step.name}") for n, step in numbered)
        finally:
            end_all_with(mark)
    counts = [outcome.test_count for outcome in outcomes if outcome.test_count is not None]
    verdict = verdict_of(outcome.facts for outcome in outcomes)
    lacks = () if verdict is BuildVerdict.PASS else lacks_of(tree, checkout.root, outcomes)
    tests = sum(counts) if counts else None
    notes = (*passed_over(checkout), *filter(None, (withheld,)))
    return BuildResult(adapter.name, verdict, outcomes, tests, lacks, notes=notes)


def _with_home(enclosure: Enclosure, home: Path, checkout: Checkout) -> Enclosure:
    """Return the enclosure of a build with its home, and with the code that is installed from the real home."""
    home.mkdir()
    # A folder around home would show all of it.
    found = (str(place) for place in installed_elsewhere(checkout) if not Path(enclosure.home).is_relative_to(place))
    return enclosure.widened((place, Right.READABLE) for place in found)._replace(own_home=home)


def _set_up(site: BuildSite, checkout: Checkout, log_folder: Path, config: VerifyConfig) -> tuple[StepOutcome, ...]:
    """Run the set-up until a command of it fails: what comes after would fail for that reason alone."""
    outcomes: list[StepOutcome] = []
    for number, step in enumerate(setup_steps(config, site.tree, checkout), 1):
        outcomes.append(run_step(step, site, log_folder / f"{number}-{step.name}"))
        if not outcomes[-1].passed:
            break
    return tuple(outcomes)
