"""`[engines]`: a cluster that somebody else runs, whose administrator enters the users that `invite` prints."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.errors.refusal import raises
from tests.cli.scenes.cluster import Cluster
from tests.cli.scenes.documents import valid
from tests.cli.scenes.hosts import ORDERED, Hosts


@pytest.fixture
def cluster(hosts: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A running server of somebody else's, which the coordinator's own configuration calls `team`."""
    found = Cluster(tmp_path / "cluster")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "own"))
    (tmp_path / "own/swarm").mkdir(parents=True)
    (tmp_path / "own/swarm/swarm.toml").write_text(found.table())
    # The launches and the worker of this scene are the cluster's, not those of the engine of this machine.
    hosts.credentials.unlink()
    hosts.url = found.url
    with found.running():
        yield found


def invited(hosts: Hosts) -> dict[str, Any]:
    """Invite the worker, and return the user that the administrator is to enter."""
    words = ("engine", "invite", "one", "--tag", "played", "--on", "team", "--output", hosts.credentials)
    user: dict[str, Any] = valid(hosts.swarm(*words, "--json"), "engine", 0)["user"]
    return user


def test_a_whole_wave_runs_on_a_cluster_that_somebody_else_runs(hosts: Hosts, cluster: Cluster) -> None:
    swarm, run = hosts.swarm, hosts.amending.run
    launch = ("launch", run, "--on", "team", "--runtime", "played", "--json")
    cluster.key.chmod(0o644)
    assert "other users can use" in swarm(*launch, exit=1).out
    cluster.key.chmod(0o600)
    empty = valid(swarm("engine", "status", "--on", "team", "--json"), "engine", 0)
    assert (empty["running"], empty["orders"], empty["tags"]) == (True, 0, [])
    cluster.enter(invited(hosts))
    hosts.plays(code={"src/app.py": ""})
    with hosts.worker(len(ORDERED)) as process:
        launched = swarm(*launch).data
        assert process.wait(60) == 0
    assert (launched["launched"], launched["exitClass"]) == (2, 0)
    assert hosts.outcomes() == {domain: [("success", None)] for domain in ORDERED}
    collected = swarm("collect", run, "--json").data
    assert (collected["waveStatus"], collected["violations"]) == ("collected", [])
    assert hosts.amending.claims() == [("code", "src/app.py", "edit", 1, 1, "code", 0)]
    # The name and the address lead to the same engine.
    for named in ("team", cluster.url):
        shown = valid(swarm("engine", "status", "--on", named, "--json"), "engine", 0)
        queue = {"tag": "played", "waiting": 0, "atWork": 0, "free": 0}
        assert (shown["url"], shown["orders"], shown["tags"]) == (f"tls://127.0.0.1:{cluster.port}", 0, [queue])


def refusal_of(words: str) -> str:
    return (
        f"ERROR [ENGINE_REFUSED]: The engine does not do that: the server does not permit one to {words}; its user there"
        " needs the permissions that `swarm engine invite NAME --tag TAG --on ENGINE` prints, and a coordinator all of"
        " them"
    )


@raises("ENGINE_REFUSED")
def test_a_permission_that_the_administrator_left_out_ends_a_worker_with_its_subject(
    hosts: Hosts, cluster: Cluster
) -> None:
    user = invited(hosts)
    worker = ("worker", "--credentials", hosts.credentials, "--most", "1")
    permissions = user["permissions"]
    asked, plane = permissions["publish"][0], permissions["publish"][0].split(".")[5].partition("_")[2]
    cluster.enter({**user, "permissions": {**permissions, "publish": permissions["publish"][1:]}})
    assert refusal_of(f"publish to {asked.lower()}") in hosts.swarm(*worker, exit=1).err
    assert asked == f"$JS.API.CONSUMER.MSG.NEXT.orders_{plane}.played"
    cluster.enter({**user, "permissions": {**permissions, "subscribe": permissions["subscribe"][1:]}})
    assert "the server does not permit one to subscribe to _inbox_one." in hosts.swarm(*worker, exit=1).err
    # Without the right to answer, the engine would take every order for lost.
    hosts.plays()
    hosts.ordered()
    del permissions["allow_responses"]
    cluster.enter(user)
    assert "the server does not permit one to publish to $js.ack." in hosts.swarm(*worker, exit=1).err
