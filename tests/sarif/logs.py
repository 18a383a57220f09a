"""SARIF logs for tests: a run, a result, a place."""

from typing import Any

Json = dict[str, Any]


def log_of(*runs: Json) -> Json:
    return {"version": "2.1.0", "runs": list(runs)}


def run_of(*results: Json, rules: list[Json] | None = None, **more: Any) -> Json:
    return {"tool": {"driver": {"name": "tool", "rules": rules or []}}, "results": list(results), **more}


def place(uri: str | None = None, line: Any = None, *, base: str | None = None, **region: Any) -> Json:
    location: Json = {} if uri is None else {"uri": uri}
    if base is not None:
        location["uriBaseId"] = base
    where = {} if line is None else {"startLine": line}
    return {"physicalLocation": {"artifactLocation": location, "region": where | region}}


def result(rule_id: str | None = "R1", *places: Json, text: str = "It is wrong.", **more: Any) -> Json:
    named = {} if rule_id is None else {"ruleId": rule_id}
    return named | {"message": {"text": text}, "locations": list(places)} | more
