"""docs/scale.md: its commands work, its units, script and manifest are those that their programs take."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.scenes.hosts import ORDERED, Hosts
from tests.cli.test_command_lines import problem_of
from tests.conftest import Repo, Swarm
from tests.test_docs import AGENT, ROOT

PAGE = (ROOT / "docs/scale.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def script(head: str) -> list[str]:
    """Return the lines of the block that begins with a comment."""
    (found,) = (block for block in blocks("sh") if block.startswith(f"# {head}"))
    return found.splitlines()[1:]


def test_from_one_host_to_three_as_the_page_says(
    swarm: Swarm, repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    program = tmp_path / "programs/claude"
    program.parent.mkdir()
    program.write_text(AGENT.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    place = tmp_path / "beta"
    place.mkdir()
    try:
        for line in script("on the first host, 10.0.0.5"):
            match shlex.split(line.replace("10.0.0.5", "127.0.0.1:0")):
                case ["swarm", *words]:
                    swarm(*words)
                case ["scp", file, host]:
                    shutil.copy(repo.root / file, tmp_path / host.rstrip(":") if host == "beta:" else tmp_path)
                case ["rm", *files]:
                    for file in files:
                        (repo.root / file).unlink()
        (words,) = (shlex.split(line)[1:] for line in script("on beta") if line.startswith("swarm"))
        argv = [sys.executable, "-m", "swarm", *words]
        with subprocess.Popen(argv, cwd=place, start_new_session=True, stdout=subprocess.DEVNULL) as worker:
            url = swarm("engine", "status", "--json").data["url"]
            for line in script("on the first host again"):
                last = swarm(*shlex.split(line.replace("tls://10.0.0.5:4222", url))[1:])
            worker.send_signal(signal.SIGINT)
        assert "5 of 5 agents complete" in last.out
    finally:
        swarm("engine", "down")


def test_every_command_of_the_page_is_one_that_swarm_takes() -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines() if re.match(r"(exec srun )?swarm ", line)]
    assert len(lines) > 7
    manifest = next(each for each in manifests() if each["kind"] == "Deployment")
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    units = [line.partition("=")[2] for line in "\n".join(blocks("ini")).splitlines() if line.startswith("Exec")]
    for line in (*lines, *units, shlex.join(container["command"])):
        words = shlex.split(line)
        assert (
            problem_of(shlex.join(words[next(at for at, word in enumerate(words) if word.endswith("swarm")) + 1 :]))
            is None
        )


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_the_units_are_those_that_systemd_takes(tmp_path: Path) -> None:
    program = tmp_path / "swarm/bin/swarm"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    units = []
    for number, block in enumerate(blocks("ini")):
        units.append(tmp_path / f"swarm-{number}.service")
        units[-1].write_text(block.replace("%h", str(tmp_path)))
    assert len(units) == 2
    # The runtime folder is that of a session, which a test has not.
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", *units],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    said = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "swarm-" in line]
    assert (done.returncode, said) == (0, [])


def test_the_script_of_slurm_starts_a_worker(tmp_path: Path) -> None:
    (tmp_path / "srun").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / "srun").chmod(0o755)
    (body,) = (block for block in blocks("sh") if "#SBATCH" in block)
    (tmp_path / "job").write_text(body)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": "/home/ada", "SLURM_ARRAY_TASK_ID": "3"}
    done = subprocess.run(["sh", tmp_path / "job"], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        *("swarm", "worker", "--credentials", "/home/ada/pool.credentials"),
        *("--cache", "/home/ada/.cache/swarm/node-3", "--slots", "2"),
    ]
    # Each option is known to sbatch, and comes before the first command.
    options = re.findall(r"^#SBATCH --([a-z-]+)=\S+$", body, re.MULTILINE)
    assert {*options} <= {"job-name", "array", "cpus-per-task", "time", "signal"}
    assert body.splitlines()[: len(options) + 1] == ["#!/bin/sh", *(re.findall(r"^#SBATCH .*$", body, re.MULTILINE))]


def manifests() -> list[Any]:
    (text,) = blocks("yaml")
    return list(yaml.safe_load_all(text))


# Of the API of Kubernetes, what the manifest uses: a type, `[type]` for a list of it, `{...}` for an object of no other keys.
_MAP = dict
_META = {"name": str, "labels": _MAP}
_CONTAINER = {
    "name": str,
    "image": str,
    "command": [str],
    "workingDir": str,
    "env": [{"name": str, "value": str, "valueFrom": {"secretKeyRef": {"name": str, "key": str}}}],
    "resources": {"requests": _MAP, "limits": _MAP},
    "securityContext": {"allowPrivilegeEscalation": bool, "capabilities": {"drop": [str]}},
    "volumeMounts": [{"name": str, "mountPath": str, "subPath": str, "readOnly": bool}],
}
_POD = {
    "automountServiceAccountToken": bool,
    "enableServiceLinks": bool,
    "terminationGracePeriodSeconds": int,
    "securityContext": {
        **dict.fromkeys(("runAsUser", "runAsGroup", "fsGroup"), int),
        "runAsNonRoot": bool,
        "seccompProfile": {"type": str},
    },
    "containers": [_CONTAINER],
    "volumes": [
        {
            "name": str,
            "secret": {"secretName": str, "defaultMode": int, "items": [{"key": str, "path": str}]},
            "configMap": {"name": str},
            "emptyDir": {"sizeLimit": str},
        }
    ],
}
KINDS: dict[str, dict[str, Any]] = {
    "v1 Secret": {"type": str, "stringData": _MAP},
    "v1 ConfigMap": {"data": _MAP},
    "apps/v1 Deployment": {
        "spec": {
            "replicas": int,
            "selector": {"matchLabels": _MAP},
            "template": {"metadata": {"labels": _MAP}, "spec": _POD},
        }
    },
}


def wrong(found: Any, model: Any, where: str) -> list[str]:
    """Return where a document is not as its model says."""
    if isinstance(model, dict):
        if not isinstance(found, dict):
            return [where]
        strange = [f"{where}.{key}" for key in found.keys() - model.keys()]
        return strange + [
            line for key in found.keys() & model.keys() for line in wrong(found[key], model[key], f"{where}.{key}")
        ]
    if isinstance(model, list):
        if not isinstance(found, list) or not found:
            return [where]
        return [line for at, each in enumerate(found) for line in wrong(each, model[0], f"{where}[{at}]")]
    return [] if type(found) is model else [where]


def test_the_manifest_is_of_the_api_of_kubernetes_and_its_parts_fit_together() -> None:
    found = {f"{each['apiVersion']} {each['kind']}": each for each in manifests()}
    assert found.keys() == KINDS.keys()
    for kind, each in found.items():
        assert wrong(each, {**KINDS[kind], "apiVersion": str, "kind": str, "metadata": _META}, kind) == []
    secret, settings = found["v1 Secret"], found["v1 ConfigMap"]
    spec = found["apps/v1 Deployment"]["spec"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"] if "subPath" not in mount}
    (part,) = (mount for mount in container["volumeMounts"] if "subPath" in mount)
    home = next(each["value"] for each in container["env"] if each["name"] == "HOME")
    assert (part["name"], part["mountPath"], part["subPath"]) == ("settings", f"{home}/.gitconfig", "gitconfig")
    assert mounts.keys() == volumes.keys()
    own = volumes["credentials"]["secret"]
    assert own["secretName"] == secret["metadata"]["name"]
    assert volumes["settings"]["configMap"] == {"name": settings["metadata"]["name"]}
    assert {*settings["data"]} == {"swarm.toml", part["subPath"]}
    assert container["workingDir"] == mounts["settings"]
    named = {item["key"]: f"{mounts['credentials']}/{item['path']}" for item in own["items"]}
    assert named["credentials"] in container["command"]
    references = {each["valueFrom"]["secretKeyRef"]["key"] for each in container["env"] if "valueFrom" in each}
    assert {*named, *references} == {*secret["stringData"]}
    # Nothing of a worker is written where it would be lost with a full root, or by another user.
    assert [word for word in container["command"] if word.startswith("/work")] == [f"{mounts['work']}/cache"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_a_worker_uses_bases_on_a_volume_of_another_user_by_the_git_configuration_of_the_manifest(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts.plays(code={"src/app.py": ""})
    hosts.ordered()
    (settings,) = (each["data"]["gitconfig"] for each in manifests() if each["kind"] == "ConfigMap")
    file = hosts.folder / "gitconfig"
    file.write_text("")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(file))
    for text in ("", settings):
        file.write_text(text)
        # The first leaves a base, which belongs to nobody else yet.
        with hosts.worker(1, "--slots", "1") as process:
            assert process.wait(60) == 0
        for place in (hosts.folder / "cache").rglob("*"):
            os.chown(place, 4711, 4711, follow_symlinks=False)
    hosts.launch()
    assert hosts.outcomes() == {domain: [("success", None)] for domain in ORDERED}


# What breaks, as the page names it, and the test that breaks it.
BROKEN = {
    "the coordinator dies or is detached": "test_worker.py::test_a_coordinator_that_died_finds_all_results",
    "a worker dies or is cut off": "test_launch_on.py::test_a_lost_worker_is_seen_after_its_lease_and_another_takes",
    "a worker is stopped by a signal": "test_worker_failures.py::test_a_worker_that_is_stopped_revoked_or_cut_off",
    "a worker was suspended or cut off and comes back": "test_worker_failures.py::test_a_worker_that_comes_back_after",
    "a result comes after that": "test_worker_failures.py::test_a_worker_that_comes_back_after_its_lease_ends_its_agents",
    "the engine is restarted": "test_worker.py::test_a_worker_whose_engine_was_killed_connects_again",
    "a base or prompt is missing or changed": "test_worker_failures.py::test_an_attempt_without_its_base_or_without_disk",
    "the disk of a worker is full": "test_worker_failures.py::test_an_attempt_without_its_base_or_without_disk",
    "orders fail in a row by what a worker lacks: a quota, a credential, a program, disk": "test_worker_failures.py::"
    "test_a_tag_rests_once_orders_fail_in_a_row_by_their_worker",
    "the disk of the engine is full": "test_worker_failures.py::test_a_result_that_the_engine_has_no_room_for_is_sent",
    "a worker has sent 2 GiB of objects, or 16,384 pieces of them, that nobody has taken in": "test_worker_failures.py::"
    "test_a_result_that_the_engine_has_no_room_for_is_sent",
    "a worker has a bug": "test_worker_failures.py::test_an_order_that_its_worker_fails_by_a_bug_ends_typed",
    "a result is larger than `max_result_mib`, or than 256 MiB": "test_worker_failures.py::test_an_order_that_its_worker"
    "_fails_by_a_bug_ends_typed",
    "a message is no order of the coordinator's, or no result of its worker": "test_worker.py::test_a_coordinator_that_died"
    "_finds_all_results_and_believes_no_other",
    "work that is no harmless single commit": "test_bundles.py::test_a_bundle_that_is_refused_says_why_and_changes_nothing",
    "the clock of a worker is off": "test_engine.py::test_a_clock_that_is_off_is_named",
    "credentials are revoked": "test_worker_failures.py::test_a_worker_that_is_stopped_revoked_or_cut_off",
}


def test_each_row_of_what_happens_when_what_dies_has_its_test() -> None:
    table = PAGE.partition("| what happens | what comes of it |\n| --- | --- |\n")[2].partition("\n\n")[0]
    assert [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines()] == list(BROKEN)
    for named in BROKEN.values():
        module, _, test = named.partition("::")
        assert f"\ndef {test}" in (ROOT / "tests/cli" / module).read_text(encoding="utf-8"), named
