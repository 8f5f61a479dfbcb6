"""A lock that ends with its process."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path


class FileLock:
    """A lock between processes, and between two holders in one; free at once when its process dies."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._held = False

    def acquire(self) -> None:
        """Wait until it is ours."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._held = True

    def try_acquire(self) -> bool:
        """Take it if it is free; tell whether it is ours."""
        if not self._held:
            with suppress(BlockingIOError):
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._held = True
        return self._held

    def close(self) -> None:
        """Let go, for good."""
        os.close(self._file)
