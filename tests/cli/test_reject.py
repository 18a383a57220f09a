"""`swarm reject`: a rejection stays with its finding until it expires."""

import pytest

from swarm import clock
from tests.cli.scenes.documents import valid
from tests.cli.scenes.triage import DOCS, EVAL, LOAD, decisions, found, ids, row, statuses, wave
from tests.conftest import Repo, Swarm, Workspace
from tests.sweeping import swept


@pytest.mark.parametrize("how", swept(["where it was", "lines above it", "in a renamed file", "in another definition"]))
def test_a_rejection_survives_rediscovery(swarm: Swarm, repo: Repo, three: Workspace, how: str) -> None:
    bug = ids(swarm, "bug")
    swarm("reject", "--ids", bug, "--reason", "meant so")
    source = (repo.root / "src/app.py").read_text()
    reports = LOAD
    match how:
        case "lines above it":
            repo.commit({"src/app.py": "# one\n# two\n\n" + source})
            reports = LOAD | {"line": 8}
        case "in a renamed file":
            repo.git("mv", "src/app.py", "src/loading.py")
            repo.commit()
            reports = LOAD | {"file": "src/loading.py"}
        case "in another definition":
            body = source.replace("def load", "class Loader:\n  if True:\n    def load").replace(
                "\n    try", "\n        try"
            )
            body = body.replace("\n        return open", "\n            return open").replace(
                "\n    except", "\n        except"
            )
            repo.commit({"src/app.py": body.replace("\n        pass", "\n            pass")})
            reports = LOAD | {"line": 7}
    data = wave(swarm, three, 2, reports, EVAL, rest=(DOCS,))
    finding = found(swarm)["bug"]
    assert (finding["findingId"], finding["status"], finding["reason"]) == (bug, "rejected", "meant so")
    assert data["findings"] == {"new": 0, "recurring": 2, "fixed": 0, "unverified": 0, "recurredWhileClosed": 1}
    assert row(three, bug, "recurred_while_closed", "observation") == (1, "recurring")


def test_a_decision_that_has_expired_is_taken_back_by_the_next_collect(
    swarm: Swarm, three: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    bug, docs = ids(swarm, "bug"), ids(swarm, "docs")
    last = clock.now()[:10]
    swarm("reject", "--ids", bug, "--reason", "for now", "--expires", last)
    swarm("defer", "--ids", docs, "--reason", "for now", "--expires", "9999-12-31")
    wave(swarm, three, 2, LOAD, EVAL, rest=(DOCS,))
    assert statuses(swarm) == {"bug": "rejected", "S307": "recurring", "docs": "deferred"}
    monkeypatch.setattr(clock, "now", lambda: "9998-01-01T00:00:00.000Z")
    data = wave(swarm, three, 3, LOAD, EVAL, rest=(DOCS,))
    assert statuses(swarm) == {"bug": "recurring", "S307": "recurring", "docs": "deferred"}
    assert (data["findings"]["recurring"], data["findings"]["recurredWhileClosed"]) == (2, 1)
    shown = decisions(three)[-1]
    assert shown == {"from": "rejected", "to": "recurring", "reason": f"expired on {last}", "decision": "open"}
    columns = ("decision", "decision_reason", "decision_source", "decided_by", "decided", "decision_expires")
    assert row(three, bug, *columns) == ("open", None, None, None, None, None)


def test_a_rejected_finding_is_not_open_and_its_document_fits_the_schema(swarm: Swarm, three: Workspace) -> None:
    bug = ids(swarm, "bug")
    data = valid(swarm("reject", "--ids", bug, "--reason", "meant so", "--format", "json"), "reject", 0)
    assert [(finding["findingId"], finding["from"], finding["to"]) for finding in data["changed"]] == [
        (bug, "new", "rejected")
    ]
    listed = swarm("findings", "--format", "json", exit=1).data["findings"]
    assert bug not in [finding["findingId"] for finding in listed]
