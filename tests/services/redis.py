"""A real Redis with its append-only file on, in about 0.1 s."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, ClassVar, Literal

from tests.services.server import HOST, Server, ServerMissingError

if TYPE_CHECKING:
    import socket
    from pathlib import Path


class Redis(Server):
    """An own Redis; *appendfsync* says how much a kill -9 of the machine (not of the process) may lose."""

    scheme: ClassVar = "redis"

    def __init__(self, folder: Path, appendfsync: Literal["always", "everysec", "no"] = "everysec") -> None:
        super().__init__([binary()], folder)
        self.command_parts = [*self.command_parts, *self._options(appendfsync)]

    @property
    def url(self) -> str:
        """The address of database 0."""
        return f"redis://{HOST}:{self.port}/0"

    def answers(self, connection: socket.socket) -> bool:
        """PING: anything but PONG means that it still loads its data."""
        connection.sendall(b"PING\r\n")
        return connection.recv(16).startswith(b"+PONG")

    def _options(self, appendfsync: str) -> list[str]:
        settings = {
            "bind": HOST,
            "port": str(self.port),
            "dir": str(self.folder),
            "save": "",
            "appendonly": "yes",
            "appendfsync": appendfsync,
            "daemonize": "no",
            "protected-mode": "no",
        }
        return [part for name, value in settings.items() for part in (f"--{name}", value)]


def binary() -> str:
    """Find redis-server, or raise what tells how to get it."""
    found = shutil.which("redis-server")
    if found is None:
        raise ServerMissingError("redis-server")
    return found
