"""A NATS server that somebody else runs: configured and reloaded by its administrator, not by swarm."""

import json
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Any

from swarm.engine import server
from swarm.engine.authority import new_certificates, new_pair
from tests.cli.scenes.launched_agents import eventually


class Cluster:
    """Its server, with an account for swarm beside that of others, and the files of the coordinator."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        for name, body in new_certificates("127.0.0.1").items():
            (folder / name).write_bytes(body)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        pair = new_pair()
        self.key, self.authority = folder / "coordinator.nk", folder / "authority.pem"
        self.key.write_text(f"{pair.seed}\n")
        self.key.chmod(0o600)
        self._config, self._log = folder / "nats.conf", folder / "log"
        self._coordinator = {"nkey": pair.public}
        self._settings: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.port,
            "jetstream": {"store_dir": str(folder / "store")},
            "tls": {"cert_file": str(folder / "server.pem"), "key_file": str(folder / "server.key")},
            "log_file": str(self._log),
        }

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def table(self) -> str:
        """Return what a user of the cluster writes into their own `swarm.toml`."""
        return f'[engines.team]\nurl = "{self.url}"\nca = "{self.authority}"\nkey = "{self.key}"\n'

    def _write(self, *users: dict[str, Any], others: tuple[dict[str, Any], ...] = ()) -> None:
        accounts = {
            "SWARM": {"jetstream": "enabled", "users": [self._coordinator, *users]},
            "OTHERS": {"jetstream": "enabled", "users": list(others)},
        }
        self._config.write_text(json.dumps({**self._settings, "accounts": accounts}))

    @contextmanager
    def running(self) -> Iterator[None]:
        self._write()
        with Popen([server.program(), "-c", str(self._config)], stderr=DEVNULL) as self._process:
            try:
                assert eventually(lambda: self._answers() or self._process.poll() is not None)
                yield
            finally:
                self._process.kill()

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False

    def enter(self, *users: dict[str, Any], others: tuple[dict[str, Any], ...] = ()) -> None:
        """Enter users into the account of swarm, and into that of others, in the place of those before."""
        self._write(*users, others=others)
        count = self._reloads()
        self._process.send_signal(signal.SIGHUP)
        assert eventually(lambda: self._reloads() > count)

    def _reloads(self) -> int:
        return self._log.read_text().count("Reloaded server configuration")
