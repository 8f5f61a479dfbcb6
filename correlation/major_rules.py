"""What makes a major incident, compiled to plain values."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.matching import Matcher


@dataclass(frozen=True, slots=True)
class MajorRule:
    """What makes an incident a major one."""

    id: str
    match: Matcher = field(default_factory=Matcher)
    alerts: int = 1
    """Distinct alerts that it must have at least."""
    services: int = 0
    destinations: tuple[str, ...] = ()
    """Where it gets tickets, too."""
    team: str = ""
    assignee: str = ""
