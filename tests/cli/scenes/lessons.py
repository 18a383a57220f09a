"""Lessons for tests: documents that fit their schemas, and their files."""

from pathlib import Path
from typing import Any

import yaml

FOLDERS = {"dfind": "findings", "dpat": "patterns", "drec": "recommendations", "ddoc": "doctrine"}


def finding(lesson_id: str = "dfind-acme-shop-export", repo: str = "acme/shop", **keys: Any) -> dict[str, Any]:
    """A finding of one record of its repository."""
    record = keys.pop("record", f"{repo}/{lesson_id.rpartition('-')[2]}-1")
    return {
        "finding_id": lesson_id,
        "title": "The export step fails",
        "status": "candidate",
        "repo": repo,
        "product_surface": "cli",
        "journey_stage": "export",
        "issue_kind": "step_failure",
        "root_cause_kind": "product_defect",
        "remediation_kind": "add_check",
        "transfer_scope": "surface_local",
        "summary": "The step export of the scenario report failed.",
        "source_record_ids": [record],
        "evidence": [{"record_id": record, "text": "step export ended fail", "scenario_id": "report"}],
        **keys,
    }


def pattern(**keys: Any) -> dict[str, Any]:
    """A pattern of two findings."""
    return {
        "pattern_id": "dpat-step-failure-product-defect",
        "title": "Step failures by a defect of the product",
        "status": "candidate",
        "issue_kind": "step_failure",
        "root_cause_kind": "product_defect",
        "strength": "emerging",
        "summary": "Two findings of one repository are alike.",
        "repos": ["acme/shop"],
        "product_surfaces": ["cli"],
        "finding_ids": ["dfind-acme-shop-export", "dfind-acme-shop-import"],
        "source_record_ids": ["acme/shop/export-1", "acme/shop/import-1"],
        **keys,
    }


def recommendation(**keys: Any) -> dict[str, Any]:
    """The recommendation of that pattern."""
    return {
        "recommendation_id": "drec-add-check-step-failure-product-defect",
        "title": "Add a check of the failing step",
        "status": "candidate",
        "action": "add_check",
        "pattern_id": "dpat-step-failure-product-defect",
        "text": "Run the step in CI before a release.",
        "repos": ["acme/shop"],
        "product_surfaces": ["cli"],
        **keys,
    }


def doctrine(**keys: Any) -> dict[str, Any]:
    """A doctrine of that pattern."""
    return {
        "doctrine_id": "ddoc-verification-step-failure-product-defect",
        "title": "Prove each step before a release",
        "status": "candidate",
        "law": "verification",
        "strength": "strong",
        "pattern_id": "dpat-step-failure-product-defect",
        "statement": "A step that no check runs is broken sooner or later.",
        "repos": ["acme/shop", "acme/site", "acme/till"],
        "product_surfaces": ["cli"],
        **keys,
    }


def put(root: Path, *documents: dict[str, Any], **keys: Any) -> Path:
    """Write lessons as a person would; return the last file."""
    for document in documents:
        lesson_id = str(next(iter(document.values())))
        file = root / "lessons" / FOLDERS[lesson_id.partition("-")[0]] / f"{lesson_id}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump({**document, **keys}, sort_keys=False), encoding="utf-8")
    return file


def got(file: Path) -> dict[str, Any]:
    """Return the document of a lesson's file."""
    document: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return document
