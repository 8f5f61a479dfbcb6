"""What correlation needs of routing; the app hands it over, as stages do not know each other."""

from __future__ import annotations

from typing import Protocol

from domain.incident import Assessment, Incident
from domain.ticket import DesiredTicket
from domain.times import Millis


class Router(Protocol):
    """Judges incidents and says what their tickets show. Pure."""

    def assess(self, incident: Incident, now: Millis) -> tuple[Assessment, str]:
        """Judge the incident anew; say why."""
        ...

    def render(self, incident: Incident) -> DesiredTicket:
        """Say what the incident's tickets should show."""
        ...
