"""Minified files, by their text."""

import pytest

from swarm.rules.minified import is_minified

CODE = b"const answer = (question) => ask(question, 42);\n"
LICENCE = b"/*!\n" + b" * Permission is hereby granted, free of charge.\n" * 20 + b" */\n"
PICTURE = b"const icon = 'data:image/png;base64," + b"iVBOR" * 20_000 + b"';\n"


@pytest.mark.parametrize(
    "text",
    [
        CODE.replace(b"\n", b"") * 200,
        LICENCE + CODE.replace(b"\n", b"") * 2_000,
        # Some minifiers break their lines.
        b"\n".join([CODE.replace(b"\n", b"") * 11] * 40),
    ],
    ids=["one line", "below a licence", "wrapped"],
)
def test_long_lines_and_few_others_are_minified(text: bytes) -> None:
    assert is_minified(text)


@pytest.mark.parametrize(
    "text",
    [b"", CODE * 2_000, CODE.replace(b"\n", b"") * 50, CODE * 40 + PICTURE],
    ids=["empty", "code", "a short file", "a picture in code"],
)
def test_what_people_write_is_not_minified(text: bytes) -> None:
    assert not is_minified(text)
