"""Secrets are taken out of what processes print; what is no secret stays."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from swarm.runtimes.redaction import MASK, Redactor

NOTHING = Redactor({})
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIabc\ndef==\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Authorization: Bearer abcdef1234567890", f"Authorization: Bearer {MASK}"),
        ("authorization: bearer abc.def-123_456", f"authorization: bearer {MASK}"),
        ("using sk-ant-REDACTED now", f"using {MASK} now"),
        ("ghp_0123456789abcdefABCD", MASK),
        ("github_pat_0123456789abcdef_XY", MASK),
        ("AKIAIOSFODNN7EXAMPLE", MASK),
        ("xoxb-1234-5678-abcd", MASK),
        ("AIzaSyA0123456789abcdefghijk", MASK),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJ", MASK),
        ("password=hunter22", f"password={MASK}"),
        ("DB_PASSWORD: hunter22 and on", f"DB_PASSWORD: {MASK} and on"),
        ('{"api_key": "abcdefgh", "x": 1}', f'{{"api_key": "{MASK}", "x": 1}}'),
        ("https://host/?token=abcdef&page=2", f"https://host/?token={MASK}&page=2"),
        (f"before\n{KEY}\nafter", f"before\n{MASK}\nafter"),
        ("-----BEGIN PRIVATE KEY-----\nMIIabc cut here", MASK),
        ("gho_0123456789abcdefABCD", MASK),
        ("ghu_0123456789abcdefABCD", MASK),
        ("ghs_0123456789abcdefABCD", MASK),
        ("ghr_0123456789abcdefABCD", MASK),
        ("PASSWD=hunter22", f"PASSWD={MASK}"),
        ("Secret: hunter22", f"Secret: {MASK}"),
        ("apikey=hunter22 api-key=hunter22", f"apikey={MASK} api-key={MASK}"),
        # Letters that a pattern takes for others when it ignores case.
        ("to\u212aen=hunter22", f"to\u212aen={MASK}"),
        ("pa\u017f\u017fword=hunter22", f"pa\u017f\u017fword={MASK}"),
        ("ap\u0131_key=hunter22", f"ap\u0131_key={MASK}"),
        ("AP\u0130_KEY=hunter22", f"AP\u0130_KEY={MASK}"),
        ("two: sk-aaaaaaaa and sk-bbbbbbbb", f"two: {MASK} and {MASK}"),
    ],
)
def test_a_secret_of_a_known_shape_is_masked_and_what_leads_to_it_stays(text: str, clean: str) -> None:
    assert NOTHING.clean(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "",
        "src/app.py:12: F401 `os` imported but unused",
        "the token was wrong",
        "no password given",
        "task-1234 and risk-averse and disk-usage-report",
        "commit 0123456789abcdef0123456789abcdef01234567",
        "bearer of bad news",
        "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert NOTHING.clean(text) == text


def test_the_value_of_a_variable_with_a_secret_s_name_is_masked_wherever_it_stands() -> None:
    environment = {"MY_TOKEN": "correct horse", "SERVICE_SECRET": "correct horse battery", "NAME": "plain value"}
    clean = Redactor(environment).clean("a correct horse battery, a correct horse and a plain value")
    assert clean == f"a {MASK}, a {MASK} and a plain value"


@pytest.mark.parametrize(
    "environment",
    [
        {"MY_TOKEN": "short"},
        {"MY_TOKEN": ""},
        {"SSH_AUTH_SOCK": "/run/agent.sock"},
        {"XDG_SESSION_TYPE": "wayland"},
        {"TERM_SESSION_ID": "wayland"},
    ],
)
def test_short_values_and_names_that_only_sound_secret_mask_nothing(environment: dict[str, str]) -> None:
    text = "short /run/agent.sock wayland"
    assert Redactor(environment).clean(text) == text


def test_a_value_that_is_a_pattern_is_taken_as_it_is_written() -> None:
    assert Redactor({"API_KEY": "a.c(d)*[x]"}).clean("a.c(d)*[x] abc(d)*[x]") == f"{MASK} abc(d)*[x]"


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "text",
    [
        "a-" * 100_000,
        "password-" * 20_000,
        "password " * 20_000,
        "password" + " " * 200_000,
        "-eyJaaaaaa" * 20_000,
        "eyJaaaaaa." * 20_000,
        "-----BEGIN " * 20_000,
        "-----BEGIN" + " A" * 100_000,
        "bearer " * 30_000,
    ],
    ids=lambda text: text[:12],
)
def test_text_that_nearly_holds_secrets_without_end_is_read_at_once(text: str) -> None:
    # Read again from every character, 200 KB take an hour: the deadline measures no speed.
    is_clean = NOTHING.clean(text) == text
    assert is_clean or "eyJ" in text


@pytest.mark.timeout(30)
def test_a_hundred_thousand_keys_that_never_end_are_one_secret() -> None:
    is_masked = NOTHING.clean("-----BEGIN PRIVATE KEY-----" * 10_000 + "\0") == MASK
    assert is_masked


SECRETS = st.one_of(
    st.from_regex(r"\Ask-[A-Za-z0-9]{20}\Z"),
    st.from_regex(r"\Aghp_[A-Za-z0-9]{36}\Z"),
    st.from_regex(r"\AAKIA[0-9A-Z]{16}\Z"),
    st.from_regex(r"\Axoxb-[A-Za-z0-9]{20}\Z"),
    st.from_regex(r"\AeyJ[A-Za-z0-9]{10}\.[A-Za-z0-9]{10}\.[A-Za-z0-9]{10}\Z"),
)


@given(SECRETS, st.text(" \n\"':=,(){}<>é\u202e", max_size=8), st.text(" \n\"':,(){}<>é", max_size=8))
def test_no_secret_is_left_wherever_it_stands_and_clean_text_stays_clean(secret: str, before: str, after: str) -> None:
    clean = Redactor({}).clean(f"{before}{secret}{after}")
    assert secret not in clean
    assert Redactor({}).clean(clean) == clean


@given(st.text(min_size=6, max_size=30), st.text(max_size=20), st.text(max_size=20))
def test_no_value_of_a_secret_variable_is_left(value: str, before: str, after: str) -> None:
    assume(value not in MASK)
    clean = Redactor({"SOME_TOKEN": value}).clean(f"{before}{value}{after}")
    assert value not in clean.replace(MASK, "\N{NULL}")
