"""A real Icinga 2 from Debian's packages, up in half a second: one host, one service, both checked by hand.

No part of the system's configuration is touched, and it runs as whoever runs the tests.
"""

from __future__ import annotations

import getpass
import grp
import os
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import aiohttp

from tests.services.certificate import certify
from tests.services.server import HOST, Server, found

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

NODE = "monitor"
PASSWORD = "some-password"
CONFIG = """
const NodeName = "{node}"
const ZoneName = "{node}"
include <itl>
object Endpoint NodeName { }
object Zone ZoneName { endpoints = [ NodeName ] }
object CheckerComponent "checker" { }
object NotificationComponent "notification" { }
object ApiListener "api" { bind_host = "{host}", bind_port = {port} }
object ApiUser "tests" { password = "{password}", permissions = [ "actions/*" ] }
object Host "db-1" {
  address = "192.0.2.7"
  check_command = "passive", enable_active_checks = false, max_check_attempts = 1
}
object Service "disk" {
  host_name = "db-1", display_name = "Disk of the database"
  check_command = "passive", enable_active_checks = false, max_check_attempts = 1
}
"""
FOLDERS = {
    "ConfigDir": "etc",
    "DataDir": "lib",
    "LogDir": "log",
    "CacheDir": "cache",
    "InitRunDir": "run",
    "SpoolDir": "spool",
}


class Icinga2(Server):
    """An own Icinga 2, with more *config* for it, and *env* for what it calls."""

    scheme: ClassVar = "https"

    def __init__(self, folder: Path, config: str, env: Mapping[str, str] | None = None) -> None:
        super().__init__([found("icinga2"), "daemon"], folder, env)
        self.ca = folder / "lib/certs/ca.crt"
        self.url = f"https://{HOST}:{self.port}"
        for name in FOLDERS.values():
            (folder / name).mkdir(exist_ok=True)
        certify(self.ca.parent, NODE)
        self._tls = ssl.create_default_context(cafile=str(self.ca))
        file = folder / "etc/icinga2.conf"
        file.write_text(self._base() + config)
        constants = {name: str(folder / each) for name, each in FOLDERS.items()}
        constants |= {"RunAsUser": getpass.getuser(), "RunAsGroup": grp.getgrgid(os.getgid()).gr_name}
        defined = [f"-D{name}={value}" for name, value in constants.items()]
        self.command_parts = [*self.command_parts, "--config", str(file), *defined]

    async def act(self, action: str, **given: Any) -> None:
        """Call an action of the API on the service."""
        body = {"type": "Service", "service": "db-1!disk", **given}
        login = aiohttp.encode_basic_auth("tests", PASSWORD)
        headers = {"Accept": "application/json", "Authorization": login}
        url = f"{self.url}/v1/actions/{action}"
        async with (
            aiohttp.ClientSession() as http,
            http.post(url, json=body, headers=headers, ssl=self._tls) as reply,
        ):
            assert reply.status == 200, await reply.text()

    def answers(self, connection: socket.socket) -> bool:
        """It speaks TLS, and wants to know who asks."""
        with self._tls.wrap_socket(connection, server_hostname=HOST) as secured:
            secured.sendall(b"GET /v1 HTTP/1.0\r\n\r\n")
            return b" 401 " in secured.recv(64)

    def _base(self) -> str:
        config = CONFIG.replace("{node}", NODE).replace("{password}", PASSWORD)
        return config.replace("{host}", HOST).replace("{port}", str(self.port))


def is_expected() -> bool:
    """Say whether this system can have a real Icinga, so that tests must have it."""
    return Path("/etc/debian_version").exists()
