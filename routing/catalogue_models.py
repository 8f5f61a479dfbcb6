"""The ``services`` part of the YAML: the service catalogue."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from notation import Label as Name
from routing.calendar_models import ALWAYS
from routing.calendars import Calendar
from routing.catalogue import Criticality, Service


class ServiceConfig(BaseModel):
    """A service of the catalogue."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    criticality: Criticality = Field(
        Criticality.MEDIUM, description="How much the business depends on it; decides the impact."
    )
    team: str = Field("", description="Team that owns it and gets its incidents.")
    depends_on: list[Name] = Field(
        default_factory=list, description="Services of the catalogue that it cannot work without."
    )
    support_hours: Name | None = Field(
        None,
        description="Calendar of the hours in which people look after it; its SLAs are counted in it, too. "
        "Left out: around the clock, and sla.calendar for SLAs.",
    )
    cis: list[Name] = Field(
        default_factory=list,
        description="Configuration items that it is made of: names as alerts have them in ci, resource, host or "
        "instance, or patterns like db-*. Case does not matter.",
    )
    customers: list[Name] = Field(default_factory=list, description="Who uses it.")
    sites: list[Name] = Field(default_factory=list, description="Where it runs.")

    def compile(self, name: str, calendars: Mapping[str, Calendar]) -> Service:
        """Make the catalogue entry that the core works with."""
        return Service(
            name,
            self.criticality,
            self.team,
            tuple(self.depends_on),
            tuple(self.cis),
            calendars.get(self.support_hours or ALWAYS),
            tuple(self.customers),
            tuple(self.sites),
        )
