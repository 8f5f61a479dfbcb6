"""A real RabbitMQ node that knows nothing of any other on the machine, in about 3 s (its own boot).

It has its own home (with the Erlang cookie), its own data and its own epmd, and talks on 127.0.0.1 only;
so it works as root and as anyone else, several at once, and where no host name but localhost resolves.
Its node name never changes, so it finds its data again.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from tests.services.server import HOST, Server, ServerFailedError, ServerMissingError, free_port

if TYPE_CHECKING:
    import socket

# Debian's rabbitmq-server in the PATH insists on its own user and folders; the script behind it does not.
SCRIPTS = ("/usr/lib/rabbitmq/bin", "/opt/homebrew/sbin", "/usr/local/sbin", "/usr/sbin")

# epmd in the foreground belongs to the process group, so it goes when the node goes. With `detached` the
# start script becomes the Erlang machine instead of waiting for it, so signals reach the server.
WITH_EPMD = 'epmd -port "$ERL_EPMD_PORT" -address 127.0.0.1 & detached=1 exec "$0"'

DURABLE_SECONDS = 20

SETTINGS = """[{rabbit, [
  {vm_memory_high_watermark, {absolute, "512MiB"}},
  {disk_free_limit, 1000000},
  {tcp_listeners, [{"127.0.0.1", PORT}]}
]}].
"""


class RabbitMQ(Server):
    """An own node; its default user is guest/guest and its default virtual host is /."""

    scheme: ClassVar = "amqp"

    def __init__(self, folder: Path) -> None:
        super().__init__(["sh", "-c", WITH_EPMD, binary()], folder, _environment(folder))
        (folder / "advanced.config").write_text(SETTINGS.replace("PORT", str(self.port)))
        (folder / "enabled_plugins").write_text("[].\n")
        _write_cookie(folder / ".erlang.cookie")

    @property
    def url(self) -> str:
        """The address of the default virtual host."""
        return f"amqp://guest:guest@{HOST}:{self.port}/"

    def wait_until_durable(self, *queues: str) -> None:
        """Wait until *queues*, new quorum queues of the default virtual host, will survive kill -9.

        RabbitMQ (3.10 at least) confirms messages before the name of their new queue is on disk: names.dets
        follows about a second later, by its auto-save. A node killed before that starts the queue anew, empty
        and for ever without a leader. A queue that once was durable stays so.
        """
        # The whole name, as Erlang writes it behind its length: that of the dead letters begins with the same.
        names = [bytes([len(name)]) + name for name in (f"%2F_{queue}".encode() for queue in queues)]
        deadline = time.monotonic() + DURABLE_SECONDS
        while not all(any(name in file for file in self._names_on_disk()) for name in names):
            if time.monotonic() > deadline:
                raise ServerFailedError(f"{queues} not in names.dets after {DURABLE_SECONDS} s")
            time.sleep(0.05)

    def answers(self, connection: socket.socket) -> bool:
        """Greet in AMQP 0-9-1: a node that is ready answers with a method frame on channel 0."""
        connection.sendall(b"AMQP\x00\x00\x09\x01")
        return connection.recv(3) == b"\x01\x00\x00"

    def _names_on_disk(self) -> list[bytes]:
        return [file.read_bytes() for file in (self.folder / "data").rglob("names.dets")]


def binary() -> str:
    """Find the start script, or raise what tells how to get it."""
    found = shutil.which("rabbitmq-server", path=os.pathsep.join((*SCRIPTS, os.environ.get("PATH", ""))))
    if found is None or shutil.which("epmd") is None:
        raise ServerMissingError("rabbitmq-server")
    return found


def _environment(folder: Path) -> dict[str, str]:
    return {
        "HOME": str(folder),
        "ERL_EPMD_ADDRESS": HOST,
        "ERL_EPMD_PORT": str(free_port()),
        "RABBITMQ_NODENAME": "tocsin@localhost",
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
        # Neither of these exists: what the machine's own RabbitMQ is told must not reach ours.
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1",
    }


def _write_cookie(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.write_text(f"tocsin{free_port()}")
    path.chmod(0o400)
