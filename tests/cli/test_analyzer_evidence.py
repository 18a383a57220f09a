"""What an analyzer's silence proves in an audit, and what it does not."""

import pytest

from tests.conftest import Repo, Swarm


def code(number: int, old: str = "", new: str = "") -> str:
    text = f"def run_{number}(x):\n    return eval(x + {number})\n"
    return text.replace(old, new) if old else text


CONFIG = {"ruff.toml": 'extend = "base.toml"\n', "base.toml": 'lint.select = ["S307"]\n'}
# By number: what becomes of `src/m<number>.py`, and the state, file and reason of its finding after the next audit.
EDITS: dict[int, tuple[dict[str, str | None], tuple[str, str, str | None]]] = {
    0: (
        {"src/m0.py": code(0, "+ 0)", "+ 0)  # noqa: S307")},
        ("unverified", "src/m0.py", "S307 is turned off by a comment in the file"),
    ),
    1: ({"src/m1.py": code(1, "+ 1)", "+ 1")}, ("unverified", "src/m1.py", "the analyzer did not read the file")),
    2: (
        {"src/m2.py": code(2, "    return", "    if False:\n        return")},
        ("recurring", "src/m2.py", None),
    ),
    3: ({"src/m3.py": "x = 1\n", "docs/n3.py": code(3, "x", "y")}, ("recurring", "docs/n3.py", None)),
    4: (
        {"src/m4.py": code(4, "return eval(x + 4)", "y = eval(str(x) + 'four')\n    return y")},
        ("unverified", "src/m4.py", "S307 is reported anew at src/m4.py:2"),
    ),
    5: ({"src/m5.py": None, "src/m5.pyw": code(5)}, ("unverified", "src/m5.pyw", "the analyzer did not read the file")),
    6: ({"src/m6.py": code(6, "eval", "int")}, ("fixed", "src/m6.py", "analysed the file with S307 on and was silent")),
    7: ({"src/m7.py": None}, ("fixed", "src/m7.py", "the file is gone")),
}


@pytest.fixture
def audited(swarm: Swarm, repo: Repo) -> dict[str, str]:
    """ruff found a defect in each of eight files; returns the ids by file."""
    for name in ("src/app.py", "src/tool.py", "tests/test_app.py"):
        (repo.root / name).unlink()
    repo.commit({f"src/m{n}.py": code(n) for n in EDITS} | CONFIG)
    swarm("audit", ".", exit=1)
    return {file: found for found, file, *_ in findings(swarm)}


def findings(swarm: Swarm) -> list[tuple[str, str, str, str | None]]:
    listed = swarm("findings", "--status", "all", "--format", "json", exit=None).data["findings"]
    return [(item["findingId"], item["file"], item["status"], item["reason"]) for item in listed]


def test_each_way_to_silence_a_report_is_named_and_only_a_fix_is_fixed(
    swarm: Swarm, repo: Repo, audited: dict[str, str]
) -> None:
    for edits, _ in EDITS.values():
        for name, text in edits.items():
            if text is None:
                (repo.root / name).unlink()
    repo.commit({name: text for edits, _ in EDITS.values() for name, text in edits.items() if text is not None})
    swarm("audit", ".", exit=None)
    found = {finding: rest for finding, *rest in findings(swarm)}
    for number, (_, (status, file, reason)) in EDITS.items():
        shown_file, shown, why = found[audited[f"src/m{number}.py"]]
        assert (shown, shown_file, (why or "").endswith(reason or "")) == (status, file, True), (number, why)
    # In a later audit the rewritten defect is a finding of its own; that does not make the first one fixed.
    swarm("audit", ".", exit=None)
    again = {finding: rest for finding, *rest in findings(swarm)}
    assert again[audited["src/m4.py"]][1] == "unverified"


@pytest.mark.parametrize(
    "config",
    [
        {"base.toml": 'lint.select = ["S307"]\nlint.per-file-ignores."src/*" = ["S307"]\n'},
        {"src/ruff.toml": 'lint.select = ["F"]\n'},
        pytest.param({"src/pyproject.toml": '[tool.ruff]\nlint.select = ["F"]\n'}, marks=pytest.mark.sweep),
        pytest.param({"base.toml": 'lint.select = ["F"]\n'}, marks=pytest.mark.sweep),
        pytest.param({"ruff.toml": 'extend = "base.toml"\nexclude = ["src/m0.py"]\n'}, marks=pytest.mark.sweep),
    ],
)
def test_a_configuration_that_silences_a_report_proves_nothing(
    swarm: Swarm, repo: Repo, audited: dict[str, str], config: dict[str, str]
) -> None:
    repo.commit({"src/m0.py": code(0, "return", "value =")} | config)
    swarm("audit", ".", exit=None)
    (found,) = [rest for finding, *rest in findings(swarm) if finding == audited["src/m0.py"]]
    assert found[1] == "unverified"
    assert "was found with ruff" in (found[2] or "")
