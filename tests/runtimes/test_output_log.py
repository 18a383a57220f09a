"""The log of one stream: its end is kept beyond the bound, and no secret is cut in two."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from swarm.runtimes import output_log
from swarm.runtimes.output_log import OutputLog
from swarm.runtimes.redaction import Redactor

LINE = b"x" * 99 + b"\n"
KEY = [b"-----BEGIN PRIVATE KEY-----\n", *[b"k" * 63 + b"\n"] * 100, b"-----END PRIVATE KEY-----\n"]
Written = Callable[..., bytes]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """`written(chunks, bound=…)`: the file of a log to which the chunks were added."""

    def call(chunks: Iterable[bytes], *, bound: int, redactor: Redactor | None = None) -> bytes:
        log = OutputLog(tmp_path / "log", redactor or Redactor({}), bound=bound)
        for chunk in chunks:
            log.add(chunk)
        log.finish()
        log.close()
        return (tmp_path / "log").read_bytes()

    return call


def test_a_log_keeps_what_comes_after_its_bound_too(tmp_path: Path) -> None:
    made = OutputLog(tmp_path / "log", Redactor({}), bound=10)
    for chunk in (b"12345", b"67890", b"abc"):
        made.add(chunk)
    made.finish()
    assert (made.excerpt(), list(made.lines(2000))) == ("1234567890abc", ["1234567890abc"])
    assert (made.end(4), made.end(100)) == ("0abc", "1234567890abc")
    made.close()
    assert (tmp_path / "log").read_bytes() == b"1234567890abc"


def test_a_log_is_never_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to(tmp_path / "victim")
    OutputLog(tmp_path / "log", Redactor({}), bound=10).close()
    assert ((tmp_path / "victim").exists(), (tmp_path / "log").is_symlink()) == (False, False)


def test_the_middle_of_a_flood_is_left_out_and_its_size_is_named(written: Written) -> None:
    body = written([LINE * 1000] * 20, bound=1000 * len(LINE))
    head, mark, tail = body.partition(b"\n[")
    count, _, tail = tail.partition(b" bytes left out]\n")
    assert (head + mark, set(tail.split(b"\n"))) == (LINE * 1000 + b"\n[", {LINE[:-1], b""})
    assert len(head) + int(count.replace(b",", b"")) + len(tail) == 20 * 1000 * len(LINE)
    assert output_log.TAIL_BYTES - len(LINE) < len(tail) <= output_log.TAIL_BYTES


class Counting(Redactor):
    """A redactor that counts the text that it has cleaned."""

    cleaned = 0

    def clean(self, text: str) -> str:
        self.cleaned += len(text)
        return super().clean(text)


def test_a_flood_costs_what_the_bound_costs(written: Written) -> None:
    redactor = Counting({})
    written([LINE * 640] * 1000, bound=1_000_000, redactor=redactor)
    assert redactor.cleaned < 1_000_000 + 4 * output_log.TAIL_BYTES


@pytest.mark.parametrize("lead", [0, 50, 200_000, 262_000])
def test_a_private_key_is_taken_out_wherever_it_is_cut(written: Written, lead: int) -> None:
    filler = [LINE] * (lead // 100)
    body = written([*filler, *KEY, *[LINE] * 2000], bound=1_000_000)
    assert (b"kkkk" in body, b"[redacted]\n" in body) == (False, True)


@pytest.mark.parametrize("after", range(3200, 3400, 8))
def test_no_part_of_a_key_is_left_at_the_cut_of_a_flood(written: Written, after: int) -> None:
    body = written([*[LINE] * 10_000, *KEY, *[LINE] * after], bound=1000)
    assert b"kkkk" not in body


def test_a_secret_value_is_taken_out_of_the_end_too(written: Written) -> None:
    flood = [LINE] * 10_000
    redactor = Redactor({"MY_TOKEN": "correct horse"})
    body = written([*flood, b"say correct horse\n", LINE], bound=1000, redactor=redactor)
    assert (b"say [redacted]\n" in body, b"horse" in body) == (True, False)


# --- secrets across the borders of what is written at once ----------------------------------------------------


SECRETS = {
    "a token": (b"sk-ant-0123456789abcdef", {}),
    "a pair": (b"password=correct-horse-battery", {}),
    "a key in JSON": (b"-----BEGIN PRIVATE KEY-----" + b"\\nMIIE" * 400 + b"\\n-----END PRIVATE KEY-----", {}),
    "a value": (b"correct horse battery", {"SOME_TOKEN": "correct horse battery"}),
    "a value of lines": (b"correct\nhorse\nbattery", {"SOME_TOKEN": "correct\nhorse\nbattery"}),
}


@pytest.mark.parametrize("size", [997, 65536])
@pytest.mark.parametrize(("secret", "environment"), SECRETS.values(), ids=SECRETS)
def test_no_secret_is_cut_in_two_where_a_line_does_not_end(
    written: Written, secret: bytes, environment: dict[str, str], size: int
) -> None:
    # So close together that every border has one across it or beside it.
    body = (b"x" * 40 + b" " + secret + b" ") * (700_000 // (42 + len(secret)))
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    text = written(chunks, bound=1 << 20, redactor=Redactor(environment))
    words = {piece for piece in text.split() if piece != b"x" * 40}
    assert words <= {b"[redacted]", b"password=[redacted]"}
