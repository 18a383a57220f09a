"""Documents of the command line, held to their envelope and to the schema of their verb."""

from typing import Any

from swarm import __version__, documents
from tests.conftest import Answer


def valid(answer: Answer, verb: str, code: int) -> Any:
    """Return the data of a document, after holding it to the envelope and to its schema."""
    document = answer.document
    data, meta = document.pop("data"), document.pop("meta")
    assert document == {"ok": True, "command": verb, "exitCode": code}
    duration = meta.pop("duration_ms")
    # Two receipts of one state are the same bytes.
    assert isinstance(duration, int) if verb != "receipt" else duration is None
    assert meta == {"schema": f"swarm.{verb}/v1", "version": __version__}
    assert answer.out.endswith("}\n")
    assert documents.check(data, verb) is None
    return data
