"""Refusals of the verbs about records."""

import json

from tests.cli.errors.refusal import Refusal, refused
from tests.cli.scenes.scene import Scene
from tests.cli.scenes.submissions import SUBMISSION


@refused
def provenance_stub_refused(scene: Scene) -> Refusal:
    file = scene.tmp / "submission.json"
    file.write_text(json.dumps(SUBMISSION))
    scene.monkeypatch.setenv("GITHUB_ACTIONS", "true")
    return Refusal(
        ("ingest", "--provenance", "stub", "--file", str(file)),
        """[PROVENANCE_STUB_REFUSED]: Provenance stub confirms every submission, and is refused in CI: GITHUB_ACTIONS \
is set
  Next: pass `--provenance github`; to judge a submission by hand, ingest it where GITHUB_ACTIONS is not set""",
        {"variable": "GITHUB_ACTIONS"},
        exit=2,
    )


@refused
def provenance_unreachable(scene: Scene) -> Refusal:
    file = scene.tmp / "submission.json"
    file.write_text(json.dumps(SUBMISSION))
    scene.monkeypatch.setenv("GITHUB_API_URL", "http://github.example")
    url = "http://github.example/repos/org/repo/actions/runs/123"
    problem = "GITHUB_API_URL must begin with https://, or the token could be read on its way"
    remedy = "check the network, GITHUB_API_URL and the token in GITHUB_TOKEN or GH_TOKEN"
    return Refusal(
        ("ingest", "--provenance", "github", "--file", str(file)),
        f"""[PROVENANCE_UNREACHABLE]: {url} did not say where the submission comes from: {problem}
  Next: {remedy}; nothing was recorded, so the same command can be repeated""",
        {"url": url, "problem": problem, "remedy": remedy},
        exit=2,
    )


@refused
def submission_unreadable(scene: Scene) -> Refusal:
    file = scene.repo.root / "missing.json"
    return Refusal(
        ("ingest", "--provenance", "github", "--file", "missing.json"),
        f"""[SUBMISSION_UNREADABLE]: The submission {file} cannot be read: No such file or directory
  Path: {file}
  Next: check the path and the size; a submission is a regular file of at most 4 MiB, or comes by stdin""",
        {
            "path": str(file),
            "problem": "No such file or directory",
            "cause": f"{file} cannot be read: No such file or directory",
        },
        exit=2,
    )


@refused
def record_not_found(scene: Scene) -> Refusal:
    return Refusal(
        ("records", "show", "run-1"),
        """[RECORD_NOT_FOUND]: No single record is called 'run-1'
  Next: run `swarm records list --status all` for the records that are there""",
        {"received": "run-1", "among": ""},
    )


@refused
def record_corrupt(scene: Scene) -> Refusal:
    file = scene.repo.root / "swarms/records/org/repo/2026/05/01/run-run-1.json"
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    problem = "$: 'schema_version' is a required property"
    return Refusal(
        ("records", "show", "run-1"),
        f"""[RECORD_CORRUPT]: The record {file} is corrupt: {problem}
  Path: {file}
  Next: restore the file, or move it out of the records; then repeat the command""",
        {"path": str(file), "problem": problem},
        exit=2,
    )
