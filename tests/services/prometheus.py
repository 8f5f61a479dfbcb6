"""A real Prometheus and a real Alertmanager, from Debian's packages or Homebrew's: each is up in half a second."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from tests.services.server import HOST, Server, found

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping
    from pathlib import Path

READY = b"GET /-/ready HTTP/1.0\r\n\r\n"


class _Ready(Server):
    """What both have in common: a configuration, which may be JSON as that is YAML, and a page that says ready."""

    scheme: ClassVar = "http"

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{HOST}:{self.port}"

    def answers(self, connection: socket.socket) -> bool:
        """It is ready for requests."""
        connection.sendall(READY)
        return b" 200 " in connection.recv(64)

    def _configure(self, name: str, config: Mapping[str, Any]) -> str:
        file = self.folder / name
        file.write_text(json.dumps(config))
        return str(file)


class Prometheus(_Ready):
    """A Prometheus with *config*, whose ``rule_files`` may name ``rules.yml``, which holds *rules*."""

    def __init__(self, folder: Path, config: Mapping[str, Any], rules: Mapping[str, Any]) -> None:
        super().__init__([found("prometheus")], folder)
        self._configure("rules.yml", rules)
        self.command_parts = [
            *self.command_parts,
            f"--config.file={self._configure('prometheus.yml', config)}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={self.address}",
        ]


class Alertmanager(_Ready):
    """An Alertmanager with *config*, and no peers."""

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        super().__init__([found("prometheus-alertmanager", "alertmanager")], folder)
        self.command_parts = [
            *self.command_parts,
            f"--config.file={self._configure('alertmanager.yml', config)}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address={self.address}",
            "--cluster.listen-address=",
        ]
