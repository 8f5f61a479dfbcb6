"""Which configuration is in force, and what came of reading it again: for those who ask."""

from __future__ import annotations

from typing import Protocol

import msgspec

from domain.times import Millis


class Reloaded(msgspec.Struct, frozen=True):
    """What came of a reload."""

    version: str
    """That of the rules in force now."""
    before: str
    """That of the rules in force before; the same where nothing has changed for decisions."""
    needs_restart: tuple[str, ...]
    """Settings that were changed, but stay as they were until the process is started again."""
    warnings: tuple[str, ...]


class Standing(msgspec.Struct, frozen=True):
    """The configuration in force, and how the last reload went."""

    version: str
    loaded_at: Millis
    failed: bool
    mistakes: tuple[str, ...]


class Reloads(Protocol):
    """What can be asked to reload."""

    @property
    def standing(self) -> Standing:
        """How it stands."""
        ...

    async def reload(self, cause: str) -> Reloaded:
        """Read the configuration again, and take it up.

        Raises:
            ConfigError: it has mistakes; nothing has changed.
        """
        ...
