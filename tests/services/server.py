"""What the servers of the tests share: own folder, own ports, a process group that never outlives the run."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from random import SystemRandom
from typing import TYPE_CHECKING, ClassVar, Self

from mirakuru import Executor
from mirakuru.exceptions import ProcessExitedWithError, TimeoutExpired

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

HOST = "127.0.0.1"

# Below the range that Linux and macOS take outgoing connections from: while a server is down, no client
# may be given its port, and a client that retries may not connect to itself. Drawn by the system's dice,
# as pytest-randomly gives `random` the same seed in each worker.
PORTS = range(10_000, 32_000)
_dice = SystemRandom()

# The guard reads the pipe that mirakuru holds open as stdin. When the test run dies, however it dies, the
# pipe closes and the guard kills the whole process group; `exec` makes the server itself the process that
# mirakuru knows.
GUARDED = 'exec 3<&0; (cat <&3; kill -9 0) >&2 & exec "$@" 3<&- </dev/null >>"$0" 2>&1'

START_SECONDS = 60
LOG_LINES = 15


class ServerMissingError(RuntimeError):
    """A server that a test needs is not installed; the message says how to get it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not installed; run `make services` (or install it by hand)")


class ServerFailedError(RuntimeError):
    """A server did not start; the message ends with the last lines of its log."""


class Server(Executor):
    """One real server on 127.0.0.1: start, stop, kill, and start again on the same data and port."""

    scheme: ClassVar[str]

    def __init__(self, command: Sequence[str], folder: Path, env: Mapping[str, str] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self.log = folder / "server.log"
        super().__init__(
            ["sh", "-c", GUARDED, str(self.log), *command],
            envvars=dict(env or {}),
            stdout=subprocess.DEVNULL,
            timeout=START_SECONDS,
            sleep=0.02,
        )

    def start(self) -> Self:
        """Start it and return when it answers."""
        try:
            return super().start()
        except (ProcessExitedWithError, TimeoutExpired) as failure:
            raise ServerFailedError(f"{failure}\n{self.log_tail()}") from failure

    def stop(self, stop_signal: int | None = None, expected_returncode: int | None = None) -> Self:
        """Stop it in an orderly way (SIGTERM), even when it is paused."""
        self.resume()
        return super().stop(stop_signal, expected_returncode)

    def kill9(self) -> Self:
        """Kill it and all its children as a power cut would."""
        return self.kill(sig=signal.SIGKILL)

    def pause(self) -> None:
        """Freeze it: connections stay open, nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after a pause."""
        self._signal(signal.SIGCONT)

    def log_tail(self) -> str:
        """Return the last lines that it wrote."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-LOG_LINES:])

    def pre_start_check(self) -> bool:
        """Say whether something else has taken the port."""
        return self.after_start_check()

    def after_start_check(self) -> bool:
        """Say whether it answers in its own protocol; an open port is not enough."""
        try:
            with socket.create_connection((HOST, self.port), timeout=1) as connection:
                return self.answers(connection)
        except OSError:
            return False

    def answers(self, connection: socket.socket) -> bool:
        """Greet the server on *connection* and say whether it is ready for work."""
        raise NotImplementedError

    def _signal(self, number: signal.Signals) -> None:
        # Only the server, not its group: the guard must stay awake.
        if self.process is not None and self.running():
            os.kill(self.process.pid, number)


def free_port() -> int:
    """Return a port that nothing listens on."""
    while True:
        port = _dice.choice(PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port


def found(*names: str) -> str:
    """Find a program, by any of its *names*, or raise what tells how to get it."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    for name in names:
        if program := shutil.which(name, path=path):
            return program
    raise ServerMissingError(names[0])
