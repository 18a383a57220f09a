"""The real ruff over real files: what it reports, what it read, what was silenced."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from swarm.config import Config
from swarm.documents import check
from swarm.git.path_text import path_bytes
from swarm.rules.phases import DISPATCHED_PHASES, Phase
from swarm.runtimes import ruff_groups, runtime, supervisor
from swarm.runtimes.ruff import Ruff
from swarm.runtimes.runtime import Job, Product, StepResult, UnusableOutput
from swarm.runtimes.supervisor import Orders, run_steps
from tests.sweeping import swept

Files = dict[str, str]


def product_of(tree: Path, files: Files, phase: Phase = Phase.HEALTH_AUDIT_A, config: Config | None = None) -> Product:
    for name, text in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / os.fsdecode(path_bytes(name))).write_text(text, encoding="utf-8")
    folder = tree.parent / "attempt"
    folder.mkdir(exist_ok=True)
    job = Job(phase, "code", sorted(files), tree, folder, tree / "p.md", tree / "o.json", config or Config())
    ruff = Ruff(job.config)
    orders = Orders(ruff.steps(job), tree, folder, {"PATH": os.environ["PATH"]}, 60.0, lambda *_: None)
    ran = asyncio.run(run_steps(orders))
    assert ran.failed is None, ran.fragment
    product = ruff.product(job, ran.results)
    assert check(product.output, "agent-output", "audit") is None
    return product


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    made = (tmp_path / "tree").resolve()
    made.mkdir()
    return made


def test_a_generated_file_with_more_reports_than_count_is_named_and_costs_no_other_its_findings(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (runtime, supervisor):
        monkeypatch.setattr(module, "CAPTURE_BYTES", 60_000)
    monkeypatch.setattr(supervisor, "_SLACK", 100)
    monkeypatch.setattr(ruff_groups, "_LARGE", 10_000)
    generated = "".join(f"def f{at}(a=[]):\n    return a\n" for at in range(400))
    files = {"app.py": "import os\n", "generated.py": generated, "tool.py": "import sys\n"}
    product = product_of(tree, files)
    assert told(product) == [("app.py", 1, "F401"), ("tool.py", 1, "F401")]
    assert (analysis(product)["unreadable"], analysis(product)["unread"]) == (["generated.py"], ["generated.py"])


def told(product: Product) -> list[tuple[str, int, str]]:
    assert product.output is not None
    return [(finding["file"], finding["line"], finding["rule_id"]) for finding in product.output["findings"]]


def analysis(product: Product) -> dict[str, Any]:
    assert product.analysis is not None
    return product.analysis


def test_a_defect_is_reported_where_it_stands(tree: Path) -> None:
    product = product_of(
        tree, {"src/app.py": "import os\n\n\ndef f():\n    return undefined\n", "README.md": "import\n"}
    )
    assert told(product) == [("src/app.py", 1, "F401"), ("src/app.py", 5, "F821")]
    assert product.output is not None
    first = product.output["findings"][0]
    shown = {key: first[key] for key in ("id", "severity", "category", "description", "column", "recommendation")}
    assert shown == {
        "id": "code-0001",
        "severity": "LOW",
        "category": "hygiene",
        "description": "`os` imported but unused",
        "column": 8,
        "recommendation": "Remove unused import: `os`",
    }
    assert (product.output["domain"], product.output["stage"]) == ("code", "A")
    assert product.output["summary"].endswith("read 1 files and reports 2 findings.")


def test_two_defects_of_one_line_are_two_reports(tree: Path) -> None:
    product = product_of(tree, {"a.py": "from re import compile, match\n"})
    assert told(product) == [("a.py", 1, "F401"), ("a.py", 1, "F401")]


def test_a_comment_that_silences_a_rule_is_told_by_file(tree: Path) -> None:
    product = product_of(
        tree, {"a.py": "import os  # noqa: F401\n", "b.py": "import os\n", "c.py": "# ruff: noqa\nimport re\n"}
    )
    assert told(product) == [("b.py", 1, "F401")]
    assert analysis(product)["silenced"] == {"a.py": ["F401"], "c.py": ["F401"]}


def test_only_files_whose_comments_may_silence_a_rule_are_checked_without_comments(tree: Path) -> None:
    product_of(tree, {"a.py": "import os  # NOQA\n", "b.py": "import os\n", "n.ipynb": '{"cells": []}'})
    again = tree.parent / "attempt" / "unsilenced-0.log"
    assert (tree.parent / "attempt" / "commented-0.txt").read_text() == "./a.py\n./n.ipynb\n"
    assert '"F401"' in again.read_text()
    product_of(tree, {"b.py": "import os\n"})
    assert again.read_text() == ""


def test_a_file_that_does_not_parse_was_not_read(tree: Path) -> None:
    product = product_of(tree, {"a.py": "def f(:\n", "b.py": "x = 1\n"})
    assert {(file, rule) for file, _, rule in told(product)} == {("a.py", "invalid-syntax")}
    assert analysis(product)["unread"] == ["a.py"]


def test_a_file_that_the_project_excludes_was_not_read(tree: Path) -> None:
    product = product_of(
        tree, {"ruff.toml": 'exclude = ["gen"]\n', "gen/a.py": "import os\n", "b.py": "import os\n", "n.txt": ""}
    )
    assert told(product) == [("b.py", 1, "F401")]
    assert analysis(product)["unread"] == ["gen/a.py"]


@pytest.mark.parametrize("name", ["new\nline.py", "carriage\rreturn.py", "caf\U0010ffe9.py"])
def test_a_file_that_ruff_cannot_be_told_of_was_not_read(tree: Path, name: str) -> None:
    product = product_of(tree, {"b.py": "import os\n", name: "import os\n"})
    assert told(product) == [("b.py", 1, "F401")]
    assert analysis(product)["unread"] == [name]


@pytest.mark.parametrize(
    "name",
    swept(
        [
            "with space.py",
            "-rf.py",
            "@file.py",
            "#x.py",
            'quo"te.py',
            "it's.py",
            "ünï.py",
            "$(x).py",
            "[a].py",
            "*.py",
            "a\u2028b.py",
            "{x}.py",
        ]
    ),
)
def test_a_file_of_an_odd_name_is_read(tree: Path, name: str) -> None:
    product = product_of(tree, {name: "import os\n"})
    assert told(product) == [(name, 1, "F401")]
    assert analysis(product)["unread"] == []


def test_the_rules_that_were_on_are_told(tree: Path) -> None:
    rules = analysis(product_of(tree, {"a.py": ""}))["roots"]
    assert [root["root"] for root in rules] == [""]
    assert {"F401", "F821", "E722", "S307", "invalid-syntax"} <= set(rules[0]["rules"])
    assert {"S101", "D100", "E501"}.isdisjoint(rules[0]["rules"])


def test_a_project_s_own_configuration_is_used_where_there_is_one(tree: Path) -> None:
    product = product_of(
        tree,
        {
            "one/pyproject.toml": '[tool.ruff.lint]\nselect = ["D100"]\n',
            "one/deep/a.py": "import os\n",
            "two/a.py": "import os\n",
        },
    )
    assert told(product) == [("one/deep/a.py", 1, "D100"), ("two/a.py", 1, "F401")]
    assert [root["root"] for root in analysis(product)["roots"]] == ["", "./one"]


def test_a_configuration_above_the_tree_is_not_climbed_to(tree: Path) -> None:
    (tree.parent / "ruff.toml").write_text('lint.select = ["D100"]\n')
    assert told(product_of(tree, {"a.py": "import os\n"})) == [("a.py", 1, "F401")]


def test_a_pyproject_that_says_nothing_of_ruff_configures_nothing(tree: Path) -> None:
    product = product_of(tree, {"pyproject.toml": '[project]\nname = "x"\n', "a.py": "import os\n"})
    assert told(product) == [("a.py", 1, "F401")]
    assert [root["root"] for root in analysis(product)["roots"]] == [""]


def test_each_lens_has_rules_of_its_own(tree: Path) -> None:
    source = {"a.py": "try:\n    import os\nexcept Exception:\n    print('x')\n"}
    found = {
        phase: {rule for _, _, rule in told(product_of(tree, source, phase))}
        for phase in (Phase.HEALTH_AUDIT_A, Phase.HEALTH_AUDIT_B, Phase.HEALTH_AUDIT_C)
    }
    assert found == {
        Phase.HEALTH_AUDIT_A: {"F401"},
        Phase.HEALTH_AUDIT_B: {"BLE001"},
        Phase.HEALTH_AUDIT_C: {"T201"},
    }


def test_the_user_s_selection_goes_before_ours(tree: Path) -> None:
    config = Config(ruff_select={"health-audit-a": ("D100",)}, severities={"ruff": {"D": "CRITICAL"}})
    product = product_of(tree, {"a.py": "import os\n"}, config=config)
    assert product.output is not None
    assert [(f["rule_id"], f["severity"]) for f in product.output["findings"]] == [("D100", "CRITICAL")]


def test_a_domain_without_python_needs_no_process(tree: Path) -> None:
    product = product_of(tree, {"README.md": "x\n"})
    assert (told(product), analysis(product)) == (
        [],
        {
            "roots": [],
            "suffixes": [".py", ".pyi", ".ipynb"],
            "also_read": [],
            "unread": [],
            "unreadable": [],
            "silenced": {},
            "silenced_lines": [],
        },
    )


def test_nothing_is_written_into_the_tree(tree: Path) -> None:
    files = {"a.py": "import os\n", "b.ipynb": "{}"}
    product_of(tree, files)
    assert {str(file.relative_to(tree)): file.read_text() for file in tree.rglob("*") if file.is_file()} == files


def test_it_audits_and_amends_under_lenses_a_to_c() -> None:
    assert [phase.value for phase in DISPATCHED_PHASES if Ruff(Config()).supports(phase)] == [
        "health-audit-a",
        "health-audit-b",
        "health-audit-c",
        "health-amend-a",
        "health-amend-b",
        "health-amend-c",
    ]


def test_the_digest_of_the_configuration_changes_with_what_an_answer_depends_on(tree: Path) -> None:
    phase = Phase.HEALTH_AUDIT_A
    (tree / "pyproject.toml").write_text("[tool.ruff]\nline-length = 100\n")
    (tree / "a.py").write_text("x = 1\n")
    files = ["a.py", "pyproject.toml"]
    seen = [Ruff(Config()).config_hash(tree, files, phase)]
    (tree / "a.py").write_text("x = 2\n")
    assert Ruff(Config()).config_hash(tree, files[::-1], phase) == seen[0]
    seen.append(Ruff(Config()).config_hash(tree, files, Phase.HEALTH_AUDIT_B))
    seen.append(Ruff(Config(ruff_select={"health-audit-a": ("D",)})).config_hash(tree, files, phase))
    (tree / "pyproject.toml").write_text("[tool.ruff]\nline-length = 99\n")
    seen.append(Ruff(Config()).config_hash(tree, files, phase))
    assert len(set(seen)) == 4


@pytest.mark.parametrize("printed", [b"", b"error: no", b"{}"])
def test_a_ruff_that_prints_no_list_has_made_no_output(tree: Path, printed: bytes) -> None:
    (tree / "a.py").write_text("x = 1\n")
    (tree.parent / "attempt").mkdir()
    job = Job(Phase.HEALTH_AUDIT_A, "code", ["a.py"], tree, tree.parent / "attempt", tree, tree, Config())
    runtime = Ruff(job.config)
    results = [StepResult(step, 0, printed) for step in runtime.steps(job)]
    with pytest.raises(UnusableOutput, match="ruff did not print"):
        runtime.product(job, results)


SECRET = "machine example.com login x password s3cr3t-value\n"
OUTSIDE = {
    "an absolute path": {"ruff.toml": 'extend = "{outside}/netrc"\n'},
    "a way up": {"ruff.toml": 'extend = "../netrc"\n'},
    "a way up below": {"src/ruff.toml": 'extend = "../../netrc"\n'},
    "the home folder": {"ruff.toml": 'extend = "~/netrc"\n'},
    "a variable": {"ruff.toml": 'extend = "$HOME/netrc"\n'},
    "two steps": {"ruff.toml": 'extend = "base/more.toml"\n', "base/more.toml": 'extend = "../../netrc"\n'},
    "pyproject": {"pyproject.toml": '[tool.ruff]\nextend = "../netrc"\n'},
    "folders of sources": {"ruff.toml": 'src = ["src", "../other"]\n'},
}


@pytest.mark.parametrize("files", OUTSIDE.values(), ids=OUTSIDE)
def test_a_configuration_that_leads_outside_is_refused_by_name_and_not_read(tree: Path, files: Files) -> None:
    (tree.parent / "netrc").write_text(SECRET)
    written = {name: text.format(outside=tree.parent) for name, text in files.items()}
    with pytest.raises(UnusableOutput, match=r"(\.toml) leads outside of the repository by its `(extend|src)`; ruff"):
        product_of(tree, {"src/app.py": "import os\n", **written})
    logs = (tree.parent / "attempt").iterdir()
    assert not [log for log in logs if b"s3cr3t" in log.read_bytes()]


def test_a_configuration_that_is_a_link_to_itself_configures_nothing(tree: Path) -> None:
    (tree / "pyproject.toml").symlink_to("pyproject.toml")
    product = product_of(tree, {"app.py": "import os\n"})
    assert [finding["rule_id"] for finding in (product.output or {})["findings"]] == ["F401"]


@pytest.mark.parametrize("name", ["ruff.toml", ".ruff.toml", "pyproject.toml", "src/pyproject.toml"])
def test_a_configuration_that_is_a_link_to_a_place_outside_is_refused(tree: Path, name: str) -> None:
    (tree.parent / "netrc").write_text(SECRET)
    (tree / "src").mkdir()
    (tree / name).symlink_to(tree.parent / "netrc")
    with pytest.raises(
        UnusableOutput, match=f"^{name} is a link that leads outside of the repository; ruff was not run$"
    ):
        product_of(tree, {"src/app.py": "import os\n"})


def test_a_configuration_may_extend_a_file_of_the_repository_and_is_hashed_with_it(tree: Path) -> None:
    files = {"ruff.toml": 'extend = "base/more.toml"\n', "base/more.toml": 'lint.select = ["F401"]\n'}
    product = product_of(tree, {"src/app.py": "import os\n", **files})
    assert told(product) == [("src/app.py", 1, "F401")]
    before = Ruff(Config()).config_hash(tree, [*files, "src/app.py"], Phase.HEALTH_AUDIT_A)
    (tree / "base/more.toml").write_text('lint.select = ["F401"]\nlint.per-file-ignores."src/*" = ["F401"]\n')
    assert Ruff(Config()).config_hash(tree, [*files, "src/app.py"], Phase.HEALTH_AUDIT_A) != before


def test_an_extend_that_goes_in_a_circle_ends(tree: Path) -> None:
    files = {"ruff.toml": 'extend = "a.toml"\n', "a.toml": 'extend = "ruff.toml"\n', "b.py": "x = 1\n"}
    for name, text in files.items():
        (tree / name).write_text(text)
    assert Ruff(Config()).config_hash(tree, list(files), Phase.HEALTH_AUDIT_A)


HOSTILE = """
fix = true
unsafe-fixes = true
show-fixes = true
cache-dir = "{outside}/cache"
include = ["../../**", "*.py"]
output-format = "github"
"""


def test_settings_of_a_repository_write_nothing_and_read_no_other_file(tree: Path) -> None:
    (tree.parent / "other.py").write_text("import os\n")
    config = HOSTILE.format(outside=tree.parent)
    product = product_of(tree, {"src/app.py": "import os\n", "ruff.toml": config})
    assert told(product) == [("src/app.py", 1, "F401")]
    assert sorted(path.name for path in tree.parent.iterdir()) == ["attempt", "home", "other.py", "tree"]
    assert sorted(path.name for path in tree.rglob("*")) == ["app.py", "ruff.toml", "src"]
