"""A real Roundup from its package, with its classic template on its own SQLite file: 3 s.

It is served by the standard library, as its own server refuses root, and CI often is. ``external_id`` is added to
the schema and the API is switched on, as docs/destinations/roundup.md says.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, ClassVar, Self

from adapters.fakes.roundup import PASSWORD, USER
from tests.services.server import HOST, Server, ServerFailedError

if TYPE_CHECKING:
    import socket
    from pathlib import Path

SERVE = (
    "import os, sys; from wsgiref.simple_server import make_server; "
    "from roundup.cgi.wsgi_handler import RequestDispatcher as Tracker; "
    f"make_server('{HOST}', int(os.environ['PORT']), Tracker(sys.argv[1])).serve_forever()"
)
SETTINGS = {
    "#web = NO DEFAULT": "web = {url}/",
    "#domain = NO DEFAULT": "domain = example.test",
    "#host = NO DEFAULT": "host = 127.0.0.1",
    "\ndebug = \n": "\ndebug = {folder}/mails\n",  # mails are written there and not sent
    "pbkdf2_default_rounds = 250000": "pbkdf2_default_rounds = 1000",  # for each request once
}
PROPERTY = 'priority=Link("priority"),'


class Roundup(Server):
    """An own tracker."""

    scheme: ClassVar = "http"

    def __init__(self, folder: Path) -> None:
        self._home = folder / "tracker"
        super().__init__([sys.executable, "-c", SERVE, str(self._home)], folder)
        self._envvars["PORT"] = str(self.port)

    @property
    def url(self) -> str:
        """Where its pages are."""
        return f"http://{HOST}:{self.port}"

    def start(self) -> Self:
        """Lay out the tracker if there is none, and start."""
        if not self._home.exists():
            self._lay_out()
        return super().start()

    def answers(self, connection: socket.socket) -> bool:
        """Ask for the API, which a stranger may not use."""
        connection.settimeout(10)
        connection.sendall(b"GET /rest/ HTTP/1.0\r\n\r\n")
        return b" 403 " in connection.recv(64)

    def _lay_out(self) -> None:
        self._home.mkdir()
        self._admin("install", "classic", "sqlite")
        schema = self._home / "schema.py"
        schema.write_text(schema.read_text().replace(PROPERTY, f"{PROPERTY} external_id=String(),", 1))
        config = self._home / "config.ini"
        text = config.read_text()
        for old, new in SETTINGS.items():
            text = text.replace(old, new.format(url=self.url, folder=self.folder), 1)
        config.write_text(text)
        self._admin("initialise", "of-admin")
        roles = ("roles=User", "address=tocsin@example.test")
        self._admin("create", "user", f"username={USER}", f"password={PASSWORD}", *roles)

    def _admin(self, *arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "roundup.scripts.roundup_admin", "-i", str(self._home), *arguments],
            text=True,
            capture_output=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise ServerFailedError(f"roundup-admin failed\n{done.stdout}\n{done.stderr}")
