"""Secrets are taken out of what processes print; what is no secret stays."""

import json
from urllib.parse import quote

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
        ("Authorization: Basic dXNlcjpwYXNz", f"Authorization: Basic {MASK}"),
        ('{"authorization": "Basic dXNlcjpwYXNz"}', f'{{"authorization": "Basic {MASK}"}}'),
        ("sk_live_0123456789abcdef", MASK),
        ("ASIAIOSFODNN7EXAMPLE", MASK),
        ("glpat-0123456789abcdefghij", MASK),
        ("xapp-1-A0B1C2-345", MASK),
        ("npm_0123456789abcdefghij0123456789abcdef", MASK),
        ("hf_0123456789abcdefghij0123456789abcd", MASK),
        ("pypi-AgEIcHlwaS5vcmcCJDAxMjM0NTY3ODktYWJj", MASK),
        ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG", f"AWS_SECRET_ACCESS_KEY={MASK}"),
        ("aws_access_key: abcdefgh", f"aws_access_key: {MASK}"),
        ("postgres://user:hunter22@db.example/app", f"postgres://user:{MASK}@db.example/app"),
        ("https://:hunter22@host", f"https://:{MASK}@host"),
        (json.dumps({"text": 'password = "hunter22"'}), '{"text": "password = \\"' + MASK + '\\""}'),
        (json.dumps(json.dumps({"token": "abcdefgh"})), f'"{{\\"token\\": \\"{MASK}\\"}}"'),
        (json.dumps({"log": f"a\n{KEY}\nb"}), '{"log": "a\\n' + MASK + '\\nb"}'),
        (json.dumps({"header": "Authorization: Bearer abcdef12345"}), f'{{"header": "Authorization: Bearer {MASK}"}}'),
        (KEY.replace("RSA PRIVATE KEY", "OPENSSH PRIVATE KEY"), MASK),
        (KEY.replace("RSA PRIVATE KEY", "PGP PRIVATE KEY BLOCK"), MASK),
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
        "a basic knowledge of things",
        '{"usage": {"input_tokens": 12345, "output_tokens": 678}}',
        "https://host:8080/path and git@github.com:owner/name.git",
        "http://[::1]:8000/ and a@b.example",
        "secretary: Mrs. Miller",
        "monkey=banana, turkey: roast",
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


def test_a_value_is_masked_also_as_json_and_addresses_write_it() -> None:
    value = 'a "quoted" wörd\n& more'
    redactor = Redactor({"SOME_TOKEN": value})
    for text in (value, json.dumps(value), json.dumps(value, ensure_ascii=False), f"?x={quote(value, safe='')}&y"):
        assert MASK in redactor.clean(text)
        assert "quoted" not in redactor.clean(text)


@pytest.mark.parametrize("name", ["DB_PASS", "GITHUB_PAT", "SLACK_WEBHOOK", "KEY_PASSPHRASE", "MYSQL_PWD"])
def test_further_names_that_say_that_a_value_is_secret(name: str) -> None:
    assert Redactor({name: "correct-horse"}).clean("a correct-horse") == f"a {MASK}"


@pytest.mark.parametrize("name", ["PWD", "OLDPWD", "PATH", "COMPASS", "PATTERN"])
def test_names_of_places_mask_nothing(name: str) -> None:
    assert Redactor({name: "/work/repo"}).clean("in /work/repo") == "in /work/repo"


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
        "://a" * 50_000,
        "://" + "a" * 200_000,
        "authorization: " * 20_000,
        "password=" + "\\\\" * 100_000,
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
