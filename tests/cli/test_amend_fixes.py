"""Fixes that an agent of an amend wave reports: which are taken, seen, dropped or refuted."""

import json

import pytest

from tests.cli.scenes.amend_wave import LINE, MENDED, Amending, fixes, skipped
from tests.sweeping import swept


def test_each_fix_that_cannot_be_taken_is_reported_with_its_reason(amending: Amending) -> None:
    amending.approve("port")
    ids = amending.ids
    amending.swarm("reject", amending.run, "--ids", ids["eval"], "--reason", "it is meant so")
    reports = [{"finding_id": ids["assert"].lower(), "reason": "it is right"}]
    named = {"load": ids["load"].lower(), "unknown": "F-00000000"}
    every = [named["load"], named["load"], named["unknown"], ids["eval"], ids["guide"], ids["port"]]
    amending.answer("code", fixes=[{"finding_id": item, "description": f"Of {item}."} for item in every])
    amending.answer("tests", skipped=reports)
    amending.mend()
    data = amending.collect()
    # The same finding is claimed once, in whatever case its id is written.
    assert fixes(data) == [(ids["load"], "code", "anchor")]
    assert skipped(data, unanswered=True) == [
        ("F-00000000", "code", "unknown_id"),
        (ids["eval"], "code", "already_closed"),
        (ids["guide"], "code", "not_approved"),
        (ids["port"], "code", "unowned"),
        (ids["assert"].lower(), "tests", "skipped_by_agent"),
    ]
    assert data["skippedFixes"][0]["told"] == "Of F-00000000."
    (result,) = amending.sql("SELECT result FROM waves WHERE number = 2")[0]
    assert json.loads(result)["dropped"] == ["F-00000000 of code: unknown_id", f"{ids['port']} of code: unowned"]


def test_a_finding_that_was_given_and_is_not_answered_is_dropped(amending: Amending) -> None:
    data = amending.collect()
    ids = amending.ids
    assert skipped(data, unanswered=True) == [
        (ids["load"], "code", "unanswered"),
        (ids["eval"], "code", "unanswered"),
        (ids["assert"], "tests", "unanswered"),
    ]
    (result,) = amending.sql("SELECT result FROM waves WHERE number = 2")[0]
    assert json.loads(result)["dropped"] == [
        f"{item} of {domain}: unanswered" for item, domain, _ in skipped(data, unanswered=True)
    ]


def test_a_finding_that_was_rejected_meanwhile_need_not_be_answered(amending: Amending) -> None:
    amending.swarm("reject", amending.run, "--ids", amending.ids["eval"], "--reason", "it is meant so")
    amending.answer("code", "load")
    amending.answer("tests", "assert")
    assert skipped(amending.collect(), unanswered=True) == []


def _nothing(text: str) -> str:
    return text


def _blanks(text: str) -> str:
    return text.replace(LINE, "def  load( path,seen = [] ) :")


def _moved(text: str) -> str:
    return f"# one\n# two\n{text}"


def _elsewhere(text: str) -> str:
    return f"{text.replace(LINE, 'def other(path):')}\n\n{LINE}\n    return path\n"


STILL = {
    "nothing was done": _nothing,
    "its white space alone is another": _blanks,
    "it is further down alone": _moved,
    "it stands elsewhere in the file": _elsewhere,
}


@pytest.mark.parametrize("how", swept(STILL))
def test_a_fix_whose_line_still_stands_is_claimed_and_not_seen(amending: Amending, how: str) -> None:
    file = amending.tree("code") / "src/app.py"
    file.write_text(STILL[how](file.read_text()))
    amending.answer("code", "load")
    data = amending.collect()
    assert fixes(data) == [(amending.ids["load"], "code", "unverifiable")]
    words = ("it stands unchanged at src/app.py", "moved: the same code stands at src/app.py")
    assert data["fixes"][0]["evidence"].startswith(words)


@pytest.mark.parametrize("named", ["src/tool.py", "src/app.py", "../src/tool.py"])
def test_a_fix_in_another_file_is_not_seen_by_its_name(amending: Amending, named: str) -> None:
    amending.edit("code", "src/tool.py")
    fix = {"finding_id": amending.ids["load"], "description": "Mended there.", "file": named}
    amending.answer("code", fixes=[fix], files=("src/tool.py",))
    assert [verified for _, _, verified in fixes(amending.collect())] == ["unverifiable"]


def test_a_comment_that_would_reject_findings_is_reported_and_must_be_checked(amending: Amending) -> None:
    file = amending.tree("code") / "src/app.py"
    file.write_text(file.read_text().replace(LINE, f"{LINE}  # swarm: ignore bug meant so"))
    left = [{"finding_id": amending.ids["eval"], "reason": "not mine"}]
    amending.answer("code", "load", files=("src/app.py",), skipped=left)
    data = amending.collect()
    assert ("src/app.py:5", "code", "silenced") in skipped(data)
    found = next(fix for fix in data["skippedFixes"] if fix["reason"] == "silenced")
    assert "swarm: ignore bug meant so" in json.dumps(found)
    status = amending.swarm("status", amending.run, "--format", "json").data
    assert "dropped: src/app.py:5 of code: silenced and 1 more" in json.dumps(status)


def test_a_comment_that_was_there_before_is_no_agent_s(audited: Amending) -> None:
    source = (audited.repo.root / "src/app.py").read_text()
    audited.repo.commit({"src/app.py": source.replace("import os\n", "import os  # swarm: ignore bug meant so\n")})
    audited.approve("load")
    audited.dispatch("--isolate")
    file = audited.tree("code") / "src/app.py"
    file.write_text("# moved\n" + file.read_text().replace(LINE, MENDED))
    audited.answer("code", "load", files=("src/app.py",))
    assert [reason for _, _, reason in skipped(audited.collect())] == []


def test_a_finding_without_a_file_cannot_be_seen_fixed(audited: Amending) -> None:
    audited.approve("nowhere")
    audited.dispatch("--isolate")
    audited.answer("tests", "nowhere")
    data = audited.collect()
    assert fixes(data) == [(audited.ids["nowhere"], "tests", "unverifiable")]
    assert data["fixes"][0]["evidence"] == "there is no anchor, or its history is not here"


def test_who_owns_a_renamed_file_fixes_what_was_found_in_it(audited: Amending) -> None:
    audited.repo.git("mv", "src/app.py", "lib/app.py")
    audited.repo.commit()
    audited.approve("load")
    audited.dispatch("--isolate")
    file = audited.tree("api") / "lib/app.py"
    file.write_text(file.read_text().replace(LINE, MENDED))
    for domain in ("code", "api"):
        audited.answer(domain, "load", files=("lib/app.py",) if domain == "api" else ())
    data = audited.collect()
    ids = audited.ids
    assert (fixes(data), skipped(data)) == ([(ids["load"], "api", "anchor")], [(ids["load"], "code", "unowned")])


def test_an_amend_wave_makes_no_other_finding_unverified(amending: Amending) -> None:
    before = amending.sql("SELECT description, status, observation FROM findings ORDER BY id")
    amending.mend()
    amending.answer("code", "load", files=("src/app.py",))
    amending.collect()
    assert amending.sql("SELECT description, status, observation FROM findings ORDER BY id") == before


def test_a_later_audit_refutes_the_claim_that_it_sees_again_and_proves_the_one_that_was_removed(
    amending: Amending,
) -> None:
    amending.answer("code", "load", "eval")
    amending.collect()
    source = (amending.repo.root / "src/tool.py").read_text()
    amending.repo.commit({"src/tool.py": source.replace("eval('1')", "1")})
    amending.swarm("dispatch", amending.run, "health-audit-a", "--isolate")
    seen = {"file": "src/app.py", "line": 5, "quote": LINE, "symbol": "load", "description": "load"}
    amending.place.answer("code", seen, wave=3)
    for domain in ("tests", "api"):
        amending.place.answer(domain, wave=3)
    amending.swarm("collect", amending.run)
    assert amending.sql(
        "SELECT findings.description, outcome FROM fix_claims JOIN findings ON findings.id = finding ORDER BY 1"
    ) == [("eval", "fixed"), ("load", "refuted")]
    assert (amending.status("load"), amending.status("eval")) == ("approved", "fixed")
