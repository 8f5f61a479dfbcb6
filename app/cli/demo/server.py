"""``tocsin serve`` as a process of its own, stopped in the end whatever happens."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from domain.errors import TocsinError

STOPS_WITHIN = 30.0
"""Seconds that it gets to settle what it holds; more than it takes for itself."""
TOLD_AT_MOST = 15


class ServerDied(TocsinError):
    """The server ended on its own."""


class Server:
    """Listens on a free port of this machine."""

    def __init__(self, config: Path, folder: Path) -> None:
        self.log = folder / "serve.log"
        self.data = folder / "data"
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        # -P: a folder named `app` where the demo is run must not stand in for ours.
        command = [sys.executable, "-P", "-m", "app.cli", "serve", "--listen", "127.0.0.1:0"]
        command += ["--config", str(self._config), "--data", str(self.data)]
        with self.log.open("wb") as log:
            # In a group of its own: Ctrl-C is for us, and we tell it then.
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=_environment(),
                process_group=0,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> int:
        """Ask it to stop, and insist after a while; return its exit code."""
        assert self._process is not None
        try:
            self._process.terminate()
            return self._process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            return -1
        finally:
            self._process.kill()
            self._process.wait()

    async def address(self) -> str | None:
        """Return where it serves; None as long as it has not said so."""
        for line in self.log.read_bytes().splitlines():
            if b'"serving"' in line:
                return str(msgspec.json.decode(line)["address"])
        return None

    def check(self, within: float = 0) -> None:
        """Raise ServerDied, with the last that it said, if it is not there any more.

        Give it *within* seconds to end, where there is reason to think that it does.
        """
        assert self._process is not None
        with suppress(subprocess.TimeoutExpired):
            code = self._process.wait(within)
            said = self.log.read_text(errors="replace").splitlines()[-TOLD_AT_MOST:]
            raise ServerDied("\n".join([f"the server ended with {code}; the last it said:", *said]))


def _environment() -> dict[str, str]:
    """Leave out what would have it use other services."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
