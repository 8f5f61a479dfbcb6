"""A double of Jira Data Center 8.20 that keeps issues (the package ``jira820``), in about 1 s.

It is nobody's Jira, but it was not written by us either: statuses other than our defaults, transitions with
screens, JQL, links. It asks for no login and knows no custom fields, permissions and webhooks.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, ClassVar

from tests.services.server import HOST, Server

if TYPE_CHECKING:
    import socket
    from pathlib import Path

PROJECT = "OPS"
SHAPE = """
modules: [Web]
epics_per_module: 0
standalone_per_module: 1
history_per_module: 0
sprints_per_scrum_board: 1
"""


class Jira(Server):
    """An own one, next to empty."""

    scheme: ClassVar = "http"

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        shape = folder / "shape.yaml"
        shape.write_text(SHAPE)
        env = {
            "JIRA820_CONFIG": str(shape),
            "JIRA820_HOST": HOST,
            "JIRA820_LOCALE": "en",
            "JIRA820_PROJECT_KEY": PROJECT,
        }
        super().__init__([sys.executable, "-m", "jira820"], folder, env)
        self._envvars["JIRA820_PORT"] = str(self.port)

    @property
    def url(self) -> str:
        """Where its pages are."""
        return f"http://{HOST}:{self.port}"

    def answers(self, connection: socket.socket) -> bool:
        """Ask for what anybody may know."""
        connection.sendall(b"GET /rest/api/2/serverInfo HTTP/1.0\r\n\r\n")
        return b" 200 " in connection.recv(64)
