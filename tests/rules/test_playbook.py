"""The playbook of attempts: class, then code, then last words, then duration."""

import pytest

from swarm.rules.playbook import Facts, diagnosis, not_started
from swarm.rules.stalls import StallReason


def facts(
    exit_class: int | None = 3, code: str | None = None, fragment: str = "", ms: int = 9000, **more: str
) -> Facts:
    return Facts(exit_class, code, more.get("stall"), fragment, ms)


def test_each_stall_has_a_cause_and_a_remedy_of_its_own() -> None:
    found = {diagnosis(facts(code="STALLED", stall=reason.value)) for reason in StallReason}
    assert len({one.cause for one in found}) == len(StallReason)
    assert all(one.remedy for one in found)


CODES = (
    *("FILE_NOT_FOUND", "INVALID_MANIFEST", "NO_MODEL_RESOLVED", "AMBIGUOUS_AGENT_PATH", "ISOLATION_UNAVAILABLE"),
    *("CONFIG_UNTRUSTED", "MANIFEST_LOCK_MISMATCH", "LOCK_NOT_SIGNED", "LOCK_SIG_INVALID", "PUBKEY_MALFORMED"),
    *("COST_BUDGET_EXCEEDED", "CREDENTIAL_REFUSED", "QUOTA_EXHAUSTED", "BACKEND_UNREACHABLE", "NOT_FOUND"),
    *(
        "CORRUPTED",
        "RESOURCE_EXHAUSTED",
        "TIMED_OUT",
        "INTERRUPTED",
        "SUPERVISOR_DIED",
        "NO_OUTPUT",
        "WORKTREE_SETUP_FAILED",
    ),
    *("PROGRAM_NOT_VISIBLE", "LOADER_NOT_VISIBLE", "FOLDER_REPLACED", "TOOLS_DENIED"),
)


def test_each_documented_code_has_a_cause_of_its_own() -> None:
    assert len({diagnosis(facts(code=code)) for code in CODES}) == len(CODES)


def test_a_refused_credential_is_told_from_other_errors_of_a_provider() -> None:
    found = diagnosis(facts(code="CREDENTIAL_REFUSED", stall="provider_error", fragment="429"))
    assert found.cause == "its provider refused the credential"


@pytest.mark.parametrize(
    ("fragment", "ms", "cause"),
    [
        ("HTTP 403 Forbidden", 9000, "its credential is missing, wrong or expired"),
        ("error: rate_limit", 10, "the provider throttles it"),
        ("connect: Connection refused", 9000, "it could not reach what it needs on the network"),
        ("Traceback (most recent call last)", 9000, "it crashed"),
        ("", 42, "it failed at its start"),
        ("", 800, "it was turned away early"),
        ("", 8000, "it had begun its work"),
    ],
)
def test_words_count_before_the_duration(fragment: str, ms: int, cause: str) -> None:
    assert diagnosis(facts(code="RUNTIME_FAILED", fragment=fragment, ms=ms)).cause == cause


@pytest.mark.parametrize(
    ("code", "fragment", "program"),
    [
        (1, "bwrap: execvp /opt/agent: No such file or directory", "/opt/agent"),
        (126, "/opt/agent: No such file or directory", "/opt/agent"),
        (1, "/etc/settings: No such file or directory", None),
        (0, "bwrap: execvp /opt/agent: No such file or directory", None),
        (126, "/opt/agent: Permission denied", None),
    ],
)
def test_the_codes_of_a_sandbox_are_translated(code: int, fragment: str, program: str | None) -> None:
    assert not_started(code, fragment) == program
