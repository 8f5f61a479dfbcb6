"""Silences and maintenance windows: what keeps alerts quiet for a time, and who wants it so. Values only."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from domain.times import Millis


class SilenceState(StrEnum):
    """Where a silence is in its life, in the words of Alertmanager."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


class Silence(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Alerts that fit all matchers open nothing from its start until its end, as a person asked for."""

    id: str
    matchers: tuple[str, ...]
    """As Alertmanager writes them: ``service="cart"``."""
    starts_at: Millis
    ends_at: Millis
    author: str
    comment: str = ""

    def covers(self, now: Millis) -> bool:
        """Tell whether it is active."""
        return self.starts_at <= now < self.ends_at

    def state_at(self, now: Millis) -> SilenceState:
        """Tell where it is in its life.

        >>> Silence("s", ("a=b",), 10, 20, "alice").state_at(20)
        <SilenceState.EXPIRED: 'expired'>
        """
        if now >= self.ends_at:
            return SilenceState.EXPIRED
        return SilenceState.ACTIVE if now >= self.starts_at else SilenceState.PENDING


class PlannedWindow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A maintenance window that somebody planned: an event of a calendar, or a change."""

    id: str
    origin: str
    """Who planned it, and speaks for all its windows: ``calendar:`` and the rule's id, ``change:`` and the change's."""
    matchers: tuple[str, ...]
    """As Alertmanager writes them."""
    starts_at: Millis
    ends_at: Millis
    reason: str = ""

    def covers(self, now: Millis) -> bool:
        """Tell whether it is now."""
        return self.starts_at <= now < self.ends_at


class SetSilence(msgspec.Struct, frozen=True, array_like=True, tag="set_silence"):
    """Somebody wants alerts to be quiet. One with the same id takes the place of the one before."""

    silence: Silence


class ExpireSilence(msgspec.Struct, frozen=True, array_like=True, tag="expire_silence"):
    """Somebody wants to hear of it again, before the silence's end."""

    silence: str


class PlanWindows(msgspec.Struct, frozen=True, array_like=True, tag="plan_windows"):
    """Somebody tells of all the windows that are planned; what was told before is no more."""

    origin: str
    windows: list[PlannedWindow]


SuppressionAction = SetSilence | ExpireSilence | PlanWindows
