"""Rules about maintenance, compiled."""

from __future__ import annotations

from dataclasses import dataclass

from correlation.schedules import Schedule
from domain.matching import Matcher


@dataclass(frozen=True, slots=True)
class MaintenanceRule:
    """Alerts that fit open nothing while a window of the rule lasts."""

    id: str
    match: Matcher
    schedule: Schedule
    reason: str = ""
