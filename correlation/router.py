"""What correlation needs of routing; the app hands it over, as stages do not know each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.clock import Happening
from domain.incident import Assessment, Incident
from domain.priority import Level, Priority
from domain.problem import Problem
from domain.ticket import DesiredTicket
from domain.times import Millis


class Router(Protocol):
    """Judges incidents and says what their tickets show. Pure."""

    def assess(self, incident: Incident, now: Millis) -> tuple[Assessment, str]:
        """Judge the incident anew; say why."""
        ...

    def follow(self, incident: Incident, now: Millis) -> tuple[Incident, Sequence[Happening]]:
        """Bring what runs by time up to *now*; say what happened. ``follow_at`` then says when to look again."""
        ...

    def would_route(self, incident: Incident) -> Sequence[tuple[str, str]]:
        """Say what routes in shadow would do with the incident as it is judged: (route, what)."""
        ...

    def render(self, incident: Incident) -> DesiredTicket:
        """Say what the incident's tickets should show."""
        ...

    def prioritise(self, impact: Level, urgency: Level) -> Priority:
        """Give the priority of what has this impact and this urgency."""
        ...

    def render_problem(self, problem: Problem) -> DesiredTicket:
        """Say what the problem's tickets should show."""
        ...
