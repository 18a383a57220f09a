"""The real ruff in an amend attempt: fixes that collide are made by the reports of a further check."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swarm.config import Config
from swarm.rules.phases import Phase
from swarm.runtimes.ruff import Ruff
from swarm.runtimes.ruff_rounds import MOST_ROUNDS
from swarm.runtimes.runtime import Assigned, Job, ProcessStep, StepResult, UnusableOutput
from swarm.runtimes.supervisor import Orders, Ran, run_steps
from tests.runtimes.test_ruff_fixes import reports_of

RULES = ("F401", "I001", "UP045")
BLOCK = "import sys\nimport os\nimport re\nimport json\n\nprint(sys, json)\n"
COLLIDES = "its fix runs into another one; amend again after this one is merged"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    made = (tmp_path / "tree").resolve()
    made.mkdir()
    return made


def every(report: Any) -> bool:
    return bool(report)


def job_of(tree: Path, files: dict[str, str], approved: Callable[[Any], bool] = every, attempt: int = 1) -> Job:
    """Write files, and make a job whose assigned findings are ruff's reports of them, named by file, line and rule."""
    for name, text in files.items():
        (tree / name).write_text(text)
    assigned = [
        Assigned(f"{file}:{line}:{report['code']}", report["code"], file, line, report["message"], is_measured=True)
        for file, here in reports_of(tree, ",".join(RULES)).items()
        for report in here
        if (line := report["location"]["row"]) and approved(report)
    ]
    folder = tree.parent / "attempts" / f"attempt-{attempt}"
    folder.mkdir(parents=True)
    config = Config(ruff_select={"health-audit-a": RULES})
    made = Job(Phase.HEALTH_AMEND_A, "code", sorted(files), tree, folder, tree / "p.md", tree / "o.json", config)
    return made._replace(assigned=assigned)


def ran(runtime: Ruff, job: Job, steps: list[ProcessStep] | None = None) -> Ran:
    orders = Orders(
        steps if steps is not None else runtime.steps(job),
        job.tree,
        job.attempt_folder,
        {"PATH": os.environ["PATH"]},
        60.0,
        lambda *_: None,
    )
    return asyncio.run(run_steps(orders))


def amended(job: Job) -> tuple[list[str], dict[str, str], int]:
    """The findings that an attempt fixed, those that it skipped and why, and the number of its processes."""
    runtime = Ruff(job.config)
    results = ran(runtime, job).results
    output = runtime.product(job, results).output or {}
    assert all((job.tree / file).is_file() for file in output["files_changed"])
    fixes = sorted(fix["finding_id"] for fix in output["fixes"])
    return fixes, {each["finding_id"]: each["reason"] for each in output["skipped"]}, len(results)


def test_imports_of_a_block_are_removed_and_the_rest_is_sorted_in_one_attempt(tree: Path) -> None:
    fixes, skipped, processes = amended(job_of(tree, {"a.py": BLOCK, "b.py": "import os\n"}))
    assert (tree / "a.py").read_text() == "import json\nimport sys\n\nprint(sys, json)\n"
    assert fixes == ["a.py:1:I001", "a.py:2:F401", "a.py:3:F401", "b.py:1:F401"]
    assert (skipped, processes) == ({}, 2)
    # The second check reads the file in which fixes collided, and no other.
    assert (tree.parent / "attempts/attempt-1/files-0.txt").read_text() == "./a.py\n"


def test_a_check_is_enough_where_no_fixes_collide(tree: Path) -> None:
    assert amended(job_of(tree, {"a.py": "import os\n\n\nimport re\n"}, lambda each: each["code"] == "F401"))[2] == 1


def test_an_unused_import_that_nobody_approved_stays_in_its_block(tree: Path) -> None:
    fixes, skipped, _ = amended(job_of(tree, {"a.py": BLOCK}, lambda each: "`re`" not in each["message"]))
    assert (tree / "a.py").read_text() == "import json\nimport re\nimport sys\n\nprint(sys, json)\n"
    assert (fixes, skipped) == (["a.py:1:I001", "a.py:2:F401"], {})


def test_a_finding_that_could_be_another_one_after_a_round_is_left_for_the_next_wave(tree: Path) -> None:
    source = f"{BLOCK}\nimport b\nimport a\n\nprint(a, b)\n"
    job = job_of(tree, {"x.py": source}, lambda each: each["code"] == "F401" or each["location"]["row"] == 1)
    fixes, skipped, _ = amended(job)
    assert (tree / "x.py").read_text() == source.replace("import os\nimport re\n", "")
    assert (fixes, skipped) == (["x.py:2:F401", "x.py:3:F401"], {"x.py:1:I001": COLLIDES})


def test_blocks_of_a_file_are_all_sorted_where_all_were_approved(tree: Path) -> None:
    fixes, skipped, _ = amended(job_of(tree, {"x.py": f"{BLOCK}\nimport d\nimport c\nimport b\n\nprint(b, d)\n"}))
    expected = "import json\nimport sys\n\nprint(sys, json)\n\nimport b\nimport d\n\nprint(b, d)\n"
    assert ((tree / "x.py").read_text(), len(fixes), skipped) == (expected, 5, {})


def test_a_finding_that_the_fixes_around_it_fixed_is_fixed(tree: Path) -> None:
    fixes, skipped, processes = amended(job_of(tree, {"a.py": "import sys\nimport os\n\nprint(sys)\n"}))
    assert (tree / "a.py").read_text() == "import sys\n\nprint(sys)\n"
    assert (fixes, skipped, processes) == (["a.py:1:I001", "a.py:2:F401"], {}, 2)


def nested(depth: int) -> str:
    """A text of which a round fixes the innermost type alone."""
    inner = "int"
    for _ in range(depth):
        inner = f"Optional[\n    list[{inner}]\n]"
    return f"from typing import Optional\n\nx: {inner} = None\n"


def test_the_rounds_are_bounded(tree: Path) -> None:
    job = job_of(tree, {"a.py": nested(MOST_ROUNDS + 2)})
    fixes, skipped, processes = amended(job)
    assert (len(fixes), len(skipped), processes) == (MOST_ROUNDS, 2, MOST_ROUNDS)
    assert set(skipped.values()) == {COLLIDES}
    assert (tree / "a.py").read_text().count("| None") == MOST_ROUNDS


def test_an_attempt_that_was_cut_short_after_some_rounds_is_taken_back(tree: Path) -> None:
    source = nested(4)
    job = job_of(tree, {"a.py": source})
    runtime = Ruff(job.config)
    steps = runtime.steps(job)
    results = ran(runtime, job, steps[:2]).results
    begin = steps[2].before
    assert begin is not None
    # The third check is about to start: two rounds have written.
    assert begin(results)
    assert (tree / "a.py").read_text().count("| None") == 2
    again = job._replace(attempt_folder=job.attempt_folder.with_name("attempt-2"))
    again.attempt_folder.mkdir()
    Ruff(again.config).steps(again)
    assert (tree / "a.py").read_text() == source


def test_a_later_check_that_prints_no_list_ends_the_attempt_and_not_its_supervision(tree: Path) -> None:
    job = job_of(tree, {"a.py": BLOCK})
    runtime = Ruff(job.config)
    steps = runtime.steps(job)
    first = ran(runtime, job, steps[:1]).results
    begin, then = steps[1].before, steps[2].before
    assert begin is not None
    assert then is not None
    assert begin(first)
    results = [*first, StepResult(steps[1], 0, b"nonsense")]
    assert not then(results)
    with pytest.raises(UnusableOutput, match="ruff did not print JSON"):
        runtime.product(job, results)
