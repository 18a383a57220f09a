"""Hosts of a network on one machine: a namespace each, a bridge between them, loss, and links that can be cut."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

SERVER = "10.77.0.1"
LOOPBACK = "127.0.0.1"
# Percent of all TCP packets that a host drops of those that leave it.
LOSS = 3
_INSIDE = "SWARM_SOAK_NETWORK"


def enter() -> str:
    """Start this script again in a network of its own, which ends with it; return why that cannot be, else nothing.

    Inside, the variable says so, and nothing is started again.
    """
    if os.environ.get(_INSIDE):
        return ""
    own = ["unshare", "--net", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]
    # Names of namespaces are files below /run, which must be gone with them.
    words = "mount -t tmpfs none /run && ip link add t0 type veth peer name t1 && ip netns add t && ip netns del t"
    if missing := [name for name in ("unshare", "ip") if shutil.which(name) is None]:
        return f"{missing[0]} is not installed"
    tried = subprocess.run([*own, "sh", "-c", words], capture_output=True, text=True, check=False)
    if tried.returncode:
        return f"no namespaces here: {tried.stderr.strip()[-200:]}"
    os.environ[_INSIDE] = "1"
    start = 'mount -t tmpfs none /run && exec "$0" "$@"'
    return os.execvp("unshare", [*own, "sh", "-c", start, sys.executable, *sys.argv])


class Network:
    """Hosts behind a bridge. Where there are no namespaces, all of them are this machine, and no link can be cut."""

    def __init__(self, hosts: Sequence[str], why_not: str) -> None:
        self.why_not = why_not
        self.address = LOOPBACK if why_not else SERVER
        self.why_no_loss = why_not or _without_loss()
        self._hosts = [] if why_not else list(hosts)
        if not why_not:
            self._make()

    def _make(self) -> None:
        _ip("link set lo up")
        _ip("link add swarm0 type bridge")
        _ip(f"addr add {SERVER}/24 dev swarm0")
        _ip("link set swarm0 up")
        for number, host in enumerate(self._hosts):
            _ip(f"netns add {host}")
            _ip(f"link add to-{host} type veth peer name eth0 netns {host}")
            _ip(f"link set to-{host} master swarm0 up")
            _ip(f"-n {host} addr add 10.77.0.{number + 11}/24 dev eth0")
            _ip(f"-n {host} link set eth0 up")
            _ip(f"-n {host} link set lo up")
            if not self.why_no_loss:
                _lose(host)

    def words(self, host: str) -> tuple[str, ...]:
        """Return the words before a command that runs on a host."""
        return () if self.why_not else ("ip", "netns", "exec", host)

    def cut(self, host: str) -> None:
        _ip(f"link set to-{host} down")

    def heal(self, host: str) -> None:
        _ip(f"link set to-{host} up")


def _ip(words: str) -> None:
    subprocess.run(["ip", *words.split()], check=True)


def _without_loss() -> str:
    """Return why packets cannot be dropped here, else nothing."""
    if shutil.which("nft") is None:
        return "nft is not installed"
    tried = subprocess.run(["nft", "-c", "-f", "-"], input=_RULES, capture_output=True, text=True, check=False)
    return tried.stderr.strip()[-200:] if tried.returncode else ""


_RULES = f"""table inet swarm {{
  chain leaving {{
    type filter hook output priority 0;
    oifname != "lo" meta l4proto tcp numgen random mod 100 < {LOSS} drop
  }}
}}
"""


def _lose(host: str) -> None:
    subprocess.run(["ip", "netns", "exec", host, "nft", "-f", "-"], input=_RULES, text=True, check=True)
