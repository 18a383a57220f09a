"""`swarm verify` gives a commit the verdict that its user's own shell gives: variables, packages and counts alike."""

import sys

import pytest

from tests.conftest import Answer, Repo, Swarm
from tests.sweeping import swept

STEP = """\
[[verify.steps]]
name = "check"
kind = "test"
argv = {argv}
"""


def prove_with(repo: Repo, swarm: Swarm, script: str, more: str = "", *, exit_code: int = 0) -> Answer:
    """Verify a commit whose one step is a Python script."""
    argv = [sys.executable, "-c", script]
    repo.commit({"swarm.toml": STEP.format(argv=argv) + more})
    swarm("init", ".")
    return swarm("verify", "--format", "json", exit=exit_code)


SUMMARIES = {
    "subtests": ("1 passed, 3 subtests passed in 0.07s", 1),
    "subtests that failed": ("2 failed, 1 passed, 1 subtests failed, 1 warning in 0.07s", 3),
    "nothing but subtests": ("===== 3 subtests passed in 0.07s =====", 3),
    "a second run without tests": ("3 passed in 0.01s\n1 skipped in 0.01s", 3),
    "two runs of unittest": ("Ran 3 tests in 0.1s\n\nOK\nRan 2 tests in 0.1s\n\nOK (skipped=1)", 4),
    "two tools": ("Ran 3 tests in 0.1s\n\nOK\nTests:       1 passed, 1 total", 4),
    "vitest with several words": ("      Tests  2 passed | 1 expected fail (3)", 3),
    "nextest": ("     Summary [   0.015s] 3 tests run: 3 passed, 1 skipped", 3),
}


@pytest.mark.parametrize(("printed", "count"), swept(SUMMARIES.values(), first=3), ids=SUMMARIES.keys())
def test_every_summary_of_a_step_is_counted(repo: Repo, swarm: Swarm, printed: str, count: int) -> None:
    answer = prove_with(repo, swarm, f"print({printed!r})")
    assert (answer.data["verdict"], answer.data["testCount"]) == ("pass", count)


def test_runs_that_all_skip_their_tests_are_no_tests(repo: Repo, swarm: Swarm) -> None:
    printed = "1 skipped in 0.01s\n2 deselected in 0.01s"
    assert prove_with(repo, swarm, f"print({printed!r})", exit_code=1).data["verdict"] == "no_tests"


DISPLAY = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "PY_COLORS", "TERM", "COLUMNS", "CARGO_TERM_COLOR")
OPTIONS = ("PYTEST_ADDOPTS", "PYTHONWARNINGS", "PYTHONUNBUFFERED", "PYTHONHASHSEED", "GITHUB_ACTIONS", "TOX_ENV_NAME")


def test_variables_that_change_what_code_prints_do_not_reach_it(
    repo: Repo, swarm: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*DISPLAY, *OPTIONS):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("CI", "the caller's")
    names = (*DISPLAY, *OPTIONS)
    script = f"import os; e = os.environ; assert not [n for n in {names} if n in e] and e['CI'] == '1'; print('Ran 1 test in 1s')"
    assert prove_with(repo, swarm, script).data["verdict"] == "pass"


PACKAGES = (
    "node_modules/top/index.js",
    "web/node_modules/dep/index.js",
    "apps/build/site/node_modules/@s/deep/index.js",
)


def test_every_folder_with_a_package_json_has_the_packages_of_the_checkout(repo: Repo, swarm: Swarm) -> None:
    repo.write(dict.fromkeys(PACKAGES, "module.exports = 42;\n"))
    repo.commit(
        {
            ".gitignore": "node_modules\n",
            "package.json": "{}",
            "web/package.json": "{}",
            "apps/build/site/package.json": "{}",
        }
    )
    script = f"import os; assert all(map(os.path.exists, {PACKAGES})); print('Ran 1 test in 1s')"
    assert prove_with(repo, swarm, script).data["verdict"] == "pass"


def test_a_folder_without_a_package_json_is_lent_nothing(repo: Repo, swarm: Swarm) -> None:
    repo.write({"docs/node_modules/dep/index.js": ""})
    repo.commit({".gitignore": "node_modules\n", "docs/index.md": ""})
    script = "import os; assert not os.path.exists('docs/node_modules'); print('Ran 1 test in 1s')"
    assert prove_with(repo, swarm, script).data["verdict"] == "pass"


def test_a_program_of_a_workspace_is_the_tree_s_own(repo: Repo, swarm: Swarm) -> None:
    repo.commit({".gitignore": "node_modules\n", "package.json": "{}", "tools/own.js": "// the commit's\n"})
    programs = repo.root / "node_modules" / ".bin"
    programs.mkdir(parents=True)
    (repo.root / "node_modules" / "tools").symlink_to("../tools")
    (programs / "own").symlink_to("../tools/own.js")
    script = "print('Ran 1 test in 1s'); assert 'commit' in open('node_modules/.bin/own').read()"
    repo.commit({"swarm.toml": STEP.format(argv=[sys.executable, "-c", script])})
    swarm("init", ".")
    repo.write({"tools/own.js": "// the checkout's\n"})
    assert (programs / "own").read_text(encoding="utf-8") == "// the checkout's\n"
    assert swarm("verify", "--format", "json").data["verdict"] == "pass"
