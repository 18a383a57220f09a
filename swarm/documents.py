"""JSON from outside: bounded reading, and validation against the published schemas."""

import json
import os
import re
import stat
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from swarm import errors, shipped
from swarm.rules.json_depth import depth_of

MOST_BYTES: Final = 50 * 1024 * 1024
DEEPEST: Final = 64
# Of one document: a hostile one could have a million.
MOST_PROBLEMS: Final = 20
LONGEST_PROBLEM: Final = 512
_LONGEST_GAP: Final = 1000
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
# A comparison of two words takes as long as their lengths multiplied.
_LONGEST_GUESSED: Final = 100
_MOST_GUESSED: Final = 5
_INT64: Final = 2**63
_MOST_DIGITS: Final = 20
_SURELY_BOUNDED: Final = 19
# The work of tomllib grows with the square of the number of parts of a key.
_MOST_PARTS: Final = 200
_PARTS: Final = re.compile(
    r"(?m)(?:^[ \t]*+\[{0,2}|[{,])[ \t]*+"
    rf"(?:(?:[A-Za-z0-9_-]++|\"(?:[^\"\\\n]|\\.)*+\"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{_MOST_PARTS}}}"
)


class SchemaViolation(NamedTuple):
    """A violation of a schema: its JSON path, the keyword that is violated, and how."""

    path: str
    keyword: str
    message: str

    @property
    def text(self) -> str:
        """The path and the message, cut to the length of a problem."""
        return f"{self.path}: {self.message}"[:LONGEST_PROBLEM]


def check(document: object, name: str, part: str | None = None) -> str | None:
    """Return the violation of a schema that says most, with its JSON path, or `None`.

    `part` names a definition of the schema to check against instead. jsonschema-rs decides; jsonschema explains a
    refusal, so that every message comes from a single source.
    """
    if fits(document, name, part):
        return None
    import jsonschema

    best = jsonschema.exceptions.best_match(iter(_violations(document, name, part)))
    if best is None:
        return _quick_violation(document, name, part).text
    return f"{_violation(best).text}{_meant(best)}"


def violation_of(document: object, made: dict[str, Any]) -> str | None:
    """Return the violation of a schema that was made at run time, with its JSON path, or `None`."""
    import jsonschema

    best = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(made).iter_errors(document))
    return None if best is None else _violation(best).text


def fits(document: object, name: str, part: str | None = None) -> bool:
    """Say whether a document fits a schema, or a definition of it."""
    answer: bool = _quick_validator(name, part).is_valid(document)
    return answer


def problems(document: object, name: str, part: str | None = None) -> list[str]:
    """Return the violations of a schema, at most 20, each with its JSON path."""
    return [found.text for found in violations(document, name, part)]


def violations(document: object, name: str, part: str | None = None) -> list[SchemaViolation]:
    """Return the violations of a schema, at most 20."""
    if fits(document, name, part):
        return []
    import jsonschema

    found = _violations(document, name, part)[:MOST_PROBLEMS]
    # Of alternatives that all fail, `best_match` names the one that was meant.
    best = [_violation(jsonschema.exceptions.best_match(iter([error]))) for error in found]
    return best or [_quick_violation(document, name, part)]


def _violations(document: object, name: str, part: str | None) -> list[Any]:
    found = _slow_validator(name, part).iter_errors(document)
    return sorted(found, key=lambda error: (len(error.path), str(error.path)))


def _violation(error: Any) -> SchemaViolation:
    """Return a violation that jsonschema found; a long value is cut, and never the allowed values behind it."""
    value = repr(error.instance)
    message: str = error.message
    if message.startswith(value):
        message = errors.shortened(value) + message[len(value) :]
    return SchemaViolation(error.json_path, str(error.validator), message)


def _quick_violation(document: object, name: str, part: str | None) -> SchemaViolation:
    # Python's `$` also matches before a last newline; that of JSON Schema does not.
    problem = next(_quick_validator(name, part).iter_errors(document))
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in problem.instance_path)
    return SchemaViolation(f"${place}", "pattern", errors.shortened(problem.message))


def _meant(problem: Any) -> str:
    """Return the nearest key or value that a schema allows, as a question; empty where none is near."""
    import difflib

    match problem.validator:
        case "additionalProperties" if isinstance(problem.instance, dict):
            allowed = list(problem.schema.get("properties", {}))
            strange = [key for key in problem.instance if key not in allowed]
        case "enum":
            allowed, strange = list(problem.validator_value), [problem.instance]
        case _:
            return ""
    near = [
        word
        for each in strange[:_MOST_GUESSED]
        if isinstance(each, str)
        for word in difflib.get_close_matches(each[:_LONGEST_GUESSED], [w for w in allowed if isinstance(w, str)], 1)
    ]
    return f"; did you mean {', '.join(map(repr, near))}?" if near else ""


def schema(name: str) -> dict[str, Any]:
    """Return a published schema by its name. Raises FileNotFoundError."""
    file = shipped.schemas() / f"{name}.schema.json"
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return document


def schema_names() -> list[str]:
    """Return the names of every published schema."""
    return sorted(file.name.removesuffix(".schema.json") for file in shipped.schemas().glob("*.schema.json"))


@cache
def _quick_validator(name: str, part: str | None) -> Any:
    import jsonschema_rs

    return jsonschema_rs.validator_for(_part(name, part))


@cache
def _slow_validator(name: str, part: str | None) -> Any:
    import jsonschema

    return jsonschema.Draft202012Validator(_part(name, part))


def _part(name: str, part: str | None) -> dict[str, Any]:
    whole = schema(name)
    if part is None:
        return whole
    return {"$schema": whole["$schema"], "$ref": f"#/$defs/{part}", "$defs": whole["$defs"]}


def read_bounded(file: Path, most_bytes: int = MOST_BYTES) -> bytes:
    """Return the bytes of a regular file of at most 50 MiB, or another bound, that does not grow while it is read.

    Links are not followed. Raises BoundedJsonReadFailed and BoundedJsonSizeLimit.
    """
    return _read_with_status(file, most_bytes)[0]


def _read_with_status(file: Path, most_bytes: int) -> tuple[bytes, os.stat_result]:
    shown = str(file)
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        problem = "it is a symbolic link" if file.is_symlink() else error.strerror or str(error)
        raise errors.BoundedJsonReadFailed(path=shown, problem=problem) from error
    before = os.fstat(handle)
    if not stat.S_ISREG(before.st_mode):
        os.close(handle)
        raise errors.BoundedJsonReadFailed(path=shown, problem="it is not a regular file")
    with os.fdopen(handle, "rb") as stream:
        if before.st_size > most_bytes:
            raise errors.BoundedJsonSizeLimit(path=shown, problem=f"{before.st_size:,} bytes")
        try:
            body = stream.read(before.st_size + 1)
        except OSError as error:
            raise errors.BoundedJsonReadFailed(path=shown, problem=str(error)) from error
        if len(body) != before.st_size or os.fstat(stream.fileno()).st_size != before.st_size:
            raise errors.BoundedJsonReadFailed(path=shown, problem="it changed while it was read")
    return body, before


def parse_bounded(body: bytes, shown: str) -> Any:
    """Return the JSON value of some bytes, and refuse forms that parsers disagree on.

    Raises BoundedJsonSizeLimit (too deep) and BoundedJsonParseFailed (encoding, syntax, duplicate keys, NaN or
    Infinity, integers beyond 64 bits, lone surrogates).
    """
    if depth_of(body) > DEEPEST:
        raise errors.BoundedJsonSizeLimit(path=shown, problem=f"more than {DEEPEST} levels of nesting")
    try:
        text = body.decode("utf-8-sig")
        value = (DECODER if b"0" * _SURELY_BOUNDED in body.translate(_DIGITS) else _PLAIN_DECODER).decode(text)
        if _SURROGATE.search(body):
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 at byte {error.start}"
        raise errors.BoundedJsonParseFailed(path=shown, problem=problem) from error
    except UnicodeEncodeError as error:
        raise errors.BoundedJsonParseFailed(path=shown, problem="it holds half a surrogate pair") from error
    except json.JSONDecodeError as error:
        raise errors.BoundedJsonParseFailed(path=shown, problem=explained(error)) from error
    except (ValueError, RecursionError) as error:
        raise errors.BoundedJsonParseFailed(path=shown, problem=str(error)) from error
    return value


def explained(error: json.JSONDecodeError) -> str:
    """Return the reason for which a text is no JSON, with its place; a comma before a closing bracket is named."""
    before = error.doc[max(0, error.pos - _LONGEST_GAP) : error.pos].rstrip()
    if before.endswith(",") and error.doc[error.pos : error.pos + 1] in {"}", "]"}:
        place = str(error).removeprefix(f"{error.msg}: ")
        return f"a comma stands before a closing bracket: {place}"
    return str(error)


def read_named(file: Path, most_bytes: int) -> str:
    """Return the text of a file that a person named: links are followed, else as `read_bounded`.

    Raises `ValueError` with the reason.
    """
    return read_owned(file, most_bytes)[0]


def read_owned(file: Path, most_bytes: int) -> tuple[str, int]:
    """Return the text of a file as `read_named`, and the user id of the owner of the file that was read."""
    try:
        body, status = _read_with_status(Path(os.path.realpath(file)), most_bytes)
        return body.decode("utf-8-sig"), status.st_uid
    except (errors.BoundedJsonReadFailed, errors.BoundedJsonSizeLimit) as error:
        raise ValueError(error.problem) from error


def parse_toml(text: str) -> dict[str, Any]:
    """Return the table of a TOML text. Raises `ValueError`, also for a text that would take long to parse."""
    if (found := _PARTS.search(text)) is not None:
        raise ValueError(f"line {text.count(chr(10), 0, found.start()) + 1} has a key of more than {_MOST_PARTS} parts")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        # Half a surrogate pair would make a message that SQLite cannot store.
        key = errors.shortened(twice.encode("utf-8", "backslashreplace").decode())
        raise ValueError(f"the key '{key}' stands twice in one object")
    return made


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in {float("inf"), float("-inf")}:
        raise ValueError(f"the number {errors.shortened(digits)} is too large")
    return number


def _bounded_int(digits: str) -> int:
    # Nearly every integer is a line or a column.
    if len(digits) < _SURELY_BOUNDED:
        return int(digits)
    if len(digits) > _MOST_DIGITS or not -_INT64 <= (number := int(digits)) < _INT64:
        raise ValueError(f"the integer {errors.shortened(digits)} does not fit in 64 bits")
    return number


# Refuses forms that parsers disagree on; raises `ValueError`.
DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_bounded_int, parse_float=_finite
)
# For a text without integers that may be too large: a call for each integer takes as long as the rest of the reading.
_PLAIN_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite)
_DIGITS: Final = bytes(ord("0") if chr(code) in "0123456789" else code for code in range(256))
