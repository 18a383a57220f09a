"""Refusals of the words and files that a command is given."""

import errno
import os
import socket

from tests.cli.errors.refusal import Refusal, refused
from tests.cli.scenes.scene import Scene


@refused
def cli_usage(scene: Scene) -> Refusal:
    problem = "No such command 'stauts'. Did you mean 'status'?"
    return Refusal(
        ("stauts",),
        f"""[CLI_USAGE]: {problem}
  Next: run `swarm --help` to see what it takes""",
        {"problem": problem, "command": "swarm"},
        exit=2,
    )


@refused
def cli_invalid_format(scene: Scene) -> Refusal:
    return Refusal(
        ("status", "--format=yaml"),
        """[CLI_INVALID_FORMAT]: --format expects one of text, json; got 'yaml'
  Next: pass `--format json` for scripts, or leave it out""",
        {"received": "yaml", "choices": "text, json"},
        exit=2,
    )


@refused
def cli_invalid_threshold(scene: Scene) -> Refusal:
    del scene
    return Refusal(
        ("verify", "--threshold=3abc"),
        """[CLI_INVALID_THRESHOLD]: --threshold expects a non-negative integer; got '3abc'
  Next: pass an integer >= 0, e.g. `--threshold 0` or `--threshold=3`""",
        {"received": "3abc"},
        exit=2,
    )


@refused
def build_adapter_unknown(scene: Scene) -> Refusal:
    choices = "configured, python, rust, go, node"
    cause = "no adapter is called 'cobol'"
    return Refusal(
        ("verify", scene.workspace.run, "--probe-only", "--adapter", "cobol"),
        f"""[BUILD_ADAPTER_UNKNOWN]: There is no adapter 'cobol'; there are {choices}
  Next: leave `--adapter` out to use the adapter that fits best; `swarm verify --probe-only` names it
  Caused by: {cause}""",
        {"received": "cobol", "choices": choices, "cause": cause},
    )


@refused
def merge_not_ready(scene: Scene) -> Refusal:
    team = scene.team
    team.dispatch()
    remedy = f"`swarm launch {team.run}` goes on with it; `swarm status {team.run}` tells more"
    return Refusal(
        ("merge", team.run),
        f"""[MERGE_NOT_READY]: Wave 2 (health-amend-a) is dispatched, and only a collected wave is merged
  Next: {remedy}
  Run: {team.run}""",
        {"number": 2, "phase": "health-amend-a", "status": "dispatched", "remedy": remedy, "runId": team.run},
    )


@refused
def cli_invalid_globs_json(scene: Scene) -> Refusal:
    problem = "'src/**' is not valid JSON"
    cause = "Expecting value: line 1 column 1 (char 0)"
    return Refusal(
        ("domains", scene.workspace.run, "--add", "more", "--globs", "src/**"),
        f"""[CLI_INVALID_GLOBS_JSON]: --globs requires a JSON array of glob strings; {problem}
  Next: pass `--globs '["packages/foo/**"]'` — wrap the JSON in single quotes so the shell preserves it, and use \
double quotes for each glob string
  Caused by: {cause}""",
        {"problem": problem, "received": "src/**", "cause": cause},
        exit=2,
    )


@refused
def reason_required(scene: Scene) -> Refusal:
    return Refusal(
        ("domains", scene.workspace.run, "--unfreeze", "--reason", "  "),
        """[REASON_REQUIRED]: unfreezing the map needs a reason, which is recorded
  Next: add `--reason '…'`""",
        {"action": "unfreezing the map"},
    )


@refused
def config_invalid(scene: Scene) -> Refusal:
    run = scene.workspace.run
    scene.config("[launch]\njobs = 0\n")
    file = scene.repo.root / "swarm.toml"
    problem = "$.launch.jobs: 0 is less than the minimum of 1"
    return Refusal(
        ("dispatch", run, "health-audit-a"),
        f"""[CONFIG_INVALID]: {file} is not a valid configuration: {problem}
  Path: {file}
  Next: correct the file; docs/configuration.md lists its keys, `swarm schema swarm-toml` prints their schema""",
        {"path": str(file), "problem": problem},
    )


@refused
def codeowners_invalid(scene: Scene) -> Refusal:
    scene.repo.commit({"CODEOWNERS": "# soon\n"})
    problem = "there is no pattern in it"
    return Refusal(
        ("init", ".", "--domains-from", "codeowners"),
        f"""[CODEOWNERS_INVALID]: CODEOWNERS gives no map: {problem}
  Path: CODEOWNERS
  Next: correct and commit it, or use another map: `--domains-from auto`, or a file of domains""",
        {"path": "CODEOWNERS", "problem": problem},
    )


@refused
def schema_unknown(scene: Scene) -> Refusal:
    return Refusal(
        ("schema", "../pyproject"),
        """[SCHEMA_UNKNOWN]: No schema is named '../pyproject'
  Next: run `swarm schema` for the list""",
        {"received": "../pyproject"},
    )


@refused
def subject_unknown(scene: Scene) -> Refusal:
    return Refusal(
        ("explain", "exit:42"),
        """[SUBJECT_UNKNOWN]: Nothing here is called 'exit:42'
  Next: pass an error code (`swarm help errors` lists them), exit:0, 1, 2, 3, 127 or 130, `attempt:N` of `swarm attempts`, a rule such as `B006`, a status, a verb, or a finding's id""",
        {"received": "exit:42", "meant": ""},
    )


@refused
def report_port_taken(scene: Scene) -> Refusal:
    scene.workspace  # noqa: B018
    taken = socket.create_server(("127.0.0.1", 0))
    scene._request.addfinalizer(taken.close)
    port, problem = taken.getsockname()[1], os.strerror(errno.EADDRINUSE)
    cause = f"[Errno {errno.EADDRINUSE}] {problem}"
    return Refusal(
        ("report", "--serve", "--port", str(port)),
        f"""[REPORT_PORT_TAKEN]: The report cannot be served at port {port} of this machine: {problem}
  Next: leave out --port, and a free port is taken: `swarm report --serve`""",
        {"port": port, "problem": problem, "cause": cause},
    )
