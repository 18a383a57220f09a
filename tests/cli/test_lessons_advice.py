"""`swarm lessons synthesize`, `advise` and `export`: from accepted findings to advice."""

from pathlib import Path
from typing import Any

import pytest

from tests.cli.scenes.lessons import doctrine, finding, got, pattern, put, recommendation
from tests.conftest import Repo, Swarm

KEPT = ("--root", "kept")
PATTERN, RECOMMENDED = "dpat-step-failure-product-defect", "drec-step-failure-product-defect"
LAW = "ddoc-verification-step-failure-product-defect"


def accepted(repo: str, step: str = "export", **keys: Any) -> dict[str, Any]:
    return finding(f"dfind-{repo.replace('/', '-')}-{step}", repo, status="accepted", **keys)


def made(swarm: Swarm, *words: str, exit: int = 0) -> list[tuple[str, str, str]]:  # noqa: A002
    data = swarm("lessons", "synthesize", *words, *KEPT, "--format", "json", exit=exit).data
    return [(lesson["id"], lesson["status"], lesson["change"]) for lesson in data["lessons"]]


def test_accepted_findings_become_patterns_recommendations_and_doctrine(swarm: Swarm, repo: Repo) -> None:
    root = repo.root / "kept"
    put(root, accepted("acme/shop"), accepted("acme/site"), finding("dfind-acme-till-export", "acme/till"))
    # Alike, and of the same record as the first: one record is no pattern.
    put(root, *(accepted("acme/shop", step, issue_kind="other", record="acme/shop/one") for step in ("a", "b")))
    assert made(swarm) == [(PATTERN, "candidate", "new"), (RECOMMENDED, "candidate", "new")]
    assert not (root / "lessons/patterns").exists()
    assert made(swarm, "--write") == [(PATTERN, "candidate", "new"), (RECOMMENDED, "candidate", "new")]
    assert made(swarm, "--write") == [(PATTERN, "candidate", "unchanged"), (RECOMMENDED, "candidate", "unchanged")]
    swarm("lessons", "review", "accept", PATTERN, RECOMMENDED, "dfind-acme-till-export", *KEPT)
    # The third repository makes the pattern strong; what is accepted stays so, and keeps its words.
    assert made(swarm, "--write") == [
        (PATTERN, "accepted", "changed"),
        (RECOMMENDED, "accepted", "changed"),
        (LAW, "candidate", "new"),
    ]
    assert got(root / f"lessons/patterns/{PATTERN}.yaml") == {
        "pattern_id": PATTERN,
        "title": "Pattern: steps of scenarios fail (product defect)",
        "status": "accepted",
        "issue_kind": "step_failure",
        "root_cause_kind": "product_defect",
        "strength": "strong",
        "summary": "Steps of scenarios fail: 2 accepted findings in 2 repositories, on cli. Root cause: product defect.",
        "repos": ["acme/shop", "acme/site", "acme/till"],
        "product_surfaces": ["cli"],
        "finding_ids": [f"dfind-acme-{name}-export" for name in ("shop", "site", "till")],
        "source_record_ids": [f"acme/{name}/export-1" for name in ("shop", "site", "till")],
    }
    put(root, accepted("acme/app", product_surface="web"), accepted("acme/kiosk"))
    assert made(swarm, "--write")[2] == (LAW, "candidate", "changed")
    assert got(root / f"lessons/doctrine/{LAW}.yaml")["strength"] == "portfolio_stable"
    # A rejected pattern gives nothing more, and is not made a candidate again.
    swarm("lessons", "review", "reject", PATTERN, "--reason", "chance", *KEPT)
    put(root, accepted("acme/desk"))
    assert made(swarm, "--write") == [(PATTERN, "rejected", "changed")]


def test_an_id_of_another_lesson_is_refused_and_the_others_go_on(swarm: Swarm, repo: Repo) -> None:
    root = repo.root / "kept"
    put(root, *(accepted(f"acme/{name}") for name in ("shop", "site", "till")))
    files = [
        put(root, pattern(issue_kind="other")),
        put(root, recommendation(recommendation_id=RECOMMENDED, pattern_id="dpat-other")),
        put(root, doctrine(pattern_id="dpat-other")),
    ]
    before = [file.read_text() for file in files]
    put(root, *(accepted(f"acme/{name}", "import", issue_kind="mode_gap") for name in ("shop", "site")))
    answer = swarm("lessons", "synthesize", "--write", *KEPT, "--format", "json", exit=1)
    collisions = [
        (f"{kind.upper()}_ID_COLLISION", lesson_id)
        for kind, lesson_id in (("pattern", PATTERN), ("recommendation", RECOMMENDED), ("doctrine", LAW))
    ]
    assert [(error["code"], error["id"]) for error in answer.data["errors"]] == collisions
    assert answer.data["errors"][0]["message"] == (
        f"pattern_id collision: '{PATTERN}' stands on disk for another lesson; refused to silently clobber"
    )
    assert [lesson["id"] for lesson in answer.data["lessons"]] == [
        "dpat-mode-gap-product-defect",
        "drec-mode-gap-product-defect",
    ]
    assert [file.read_text() for file in files] == before


def test_a_recommendation_of_a_person_stands_for_its_pattern(swarm: Swarm, repo: Repo) -> None:
    put(repo.root / "kept", accepted("acme/shop"), accepted("acme/site"), recommendation())
    assert made(swarm) == [(PATTERN, "candidate", "new")]


def advised(swarm: Swarm, *words: str) -> list[str]:
    data = swarm("lessons", "advise", *words, *KEPT, "--format", "json").data
    return [advice["id"] for advice in data["advice"]]


def test_advice_is_what_is_accepted_and_fits(swarm: Swarm, repo: Repo) -> None:
    root = repo.root / "kept"
    for repo_name, scope, keys in (
        ("acme/shop", "repo_local", {"execution_mode": "human"}),
        ("acme/site", "repo_local", {}),
        ("acme/till", "surface_archetype", {"product_surface": "web"}),
        ("acme/desk", "org_wide", {}),
        ("other/tool", "org_wide", {}),
        ("acme/kiosk", "execution_mode", {"execution_mode": "bot"}),
    ):
        put(root, accepted(repo_name, transfer_scope=scope, **keys))
    put(root, finding("dfind-acme-shop-open", "acme/shop"))
    own, site, till, desk, tool, kiosk = (
        f"dfind-{name}-export"
        for name in ("acme-shop", "acme-site", "acme-till", "acme-desk", "other-tool", "acme-kiosk")
    )
    assert advised(swarm) == sorted([own, site, till, desk, tool, kiosk])
    assert advised(swarm, "--repo", "acme/shop") == [own, desk]
    assert advised(swarm, "--repo", "acme/shop", "--mode", "bot") == [desk, kiosk]
    assert advised(swarm, "--repo", "acme/shop", "--surface", "web") == [desk, till]
    assert advised(swarm, "--surface", "web") == [desk, kiosk, till, tool]
    swarm("lessons", "synthesize", "--write", *KEPT)
    assert advised(swarm, "--repo", "acme/shop") == [own, desk]
    swarm("lessons", "review", "accept", PATTERN, RECOMMENDED, LAW, *KEPT)
    assert advised(swarm, "--repo", "new/one") == [LAW, RECOMMENDED, PATTERN]
    # Where fewer than two of its findings still stand, nothing supports the pattern.
    named = (own, site, till, desk, kiosk)
    swarm("lessons", "review", "invalidate", *named, "--reason", "wrong records", *KEPT)
    assert advised(swarm, "--repo", "new/one") == []
    assert swarm("lessons", "synthesize", *KEPT, "--format", "json").data["unsupported"] == [PATTERN]


def test_advice_is_bounded_in_number_and_in_bytes(swarm: Swarm, repo: Repo) -> None:
    root, long = repo.root / "kept", "é" * 1000
    for number in range(10):
        put(root, accepted("acme/shop", f"s{number}", summary=long, execution_mode="bot"))
        supported = {"finding_ids": [f"dfind-acme-shop-s{each}" for each in (0, 1)], "status": "accepted"}
        put(root, pattern(pattern_id=f"dpat-p{number}", **supported, summary=long))
        own = {"pattern_id": f"dpat-p{number}", "status": "accepted"}
        put(root, recommendation(recommendation_id=f"drec-r{number}", text=long, **own))
        put(root, doctrine(doctrine_id=f"ddoc-d{number}", statement=long, **own))
    data = swarm("lessons", "advise", "--repo", "acme/shop", *KEPT, "--format", "json").data
    kinds = [advice["kind"] for advice in data["advice"]]
    assert [kinds.count(kind) for kind in ("finding", "pattern", "recommendation", "doctrine")] == [8, 5, 5, 5]
    assert kinds == sorted(kinds, key=("doctrine", "recommendation", "pattern", "finding").index)
    assert 0 < len(data["prompt"].encode()) <= 8 * 1024
    assert data["prompt"].count('"kind": "doctrine"') > 1


def test_an_export_is_the_accepted_lessons_whole(swarm: Swarm, repo: Repo) -> None:
    root = repo.root / "kept"
    hostile = "Ends `the` page\n# <script>alert(1)</script> \x1b[2J"
    put(root, accepted("acme/shop", title=hostile), finding("dfind-acme-shop-open"), recommendation(status="accepted"))
    data = swarm("lessons", "export", *KEPT, "--format", "json").data
    assert data["findings"] == [accepted("acme/shop", title=hostile)]
    assert data["recommendations"] == [recommendation(status="accepted")]
    assert (data["patterns"], data["doctrine"]) == ([], [])
    page = swarm("lessons", "export", *KEPT, "--format", "markdown").out
    assert page.splitlines()[:9] == [
        "# Lessons",
        "",
        "## Recommendations",
        "",
        "### Add a check of the failing step",
        "",
        "Run the step in CI before a release.",
        "",
        "- Id: `drec-add-check-step-failure-product-defect`, accepted",
    ]
    ends = r"### Ends \`the\` page\\n\# \<script\>alert(1)\</script\> \\x1b\[2J"
    assert ends in page.splitlines()
    assert swarm("lessons", "export", "--status", "rejected", *KEPT).out == "# Lessons\n\nNone is rejected.\n"


@pytest.mark.parametrize("verb", ["review", "synthesize", "advise", "export"])
def test_where_there_are_no_lessons_a_verb_says_so_and_makes_nothing(swarm: Swarm, repo: Repo, verb: str) -> None:
    assert swarm("lessons", verb, *KEPT).out.startswith(("No ", "Nothing was found.", "# Lessons\n\nNone is"))
    assert not Path(repo.root / "kept").exists()
