"""The ``sla`` part of the YAML: how long incidents may take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.clock import Target
from domain.priority import Priority
from notation import Duration
from notation import Label as Name
from routing.calendar_models import ALWAYS
from routing.calendars import Calendar
from routing.sla import Aim, SlaRules

Allowed = Annotated[Duration, Field(gt=0)]
Part = Annotated[float, Field(gt=0, lt=1)]


class TargetConfig(BaseModel):
    """What is agreed for one priority."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    acknowledge: Allowed | None = Field(
        None, description="Time until somebody must have taken the incident on. Left out: no such target."
    )
    resolve: Allowed | None = Field(
        None, description="Time until the incident must be resolved. Left out: no such target."
    )
    calendar: Name | None = Field(
        None,
        description="Calendar whose hours count for this priority; 24x7 counts around the clock. "
        "Left out: the support hours of the service, else sla.calendar.",
    )

    def allowed(self, target: Target) -> int | None:
        """Return the time allowed for *target*, None for none."""
        return self.acknowledge if target is Target.ACKNOWLEDGE else self.resolve


NOTHING = TargetConfig(acknowledge=None, resolve=None, calendar=None)


class ServiceSlaConfig(BaseModel):
    """What else is agreed for a service."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    targets: dict[Priority, TargetConfig] = Field(
        default_factory=dict,
        description="By priority; each setting given replaces that of sla.targets for this service.",
    )
    calendar: Name | None = Field(None, description="Calendar of the service's targets that name none.")


NOTHING_ELSE = ServiceSlaConfig(calendar=None)


class SlaConfig(BaseModel):
    """How long incidents may take, and in whose hours that is counted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    targets: dict[Priority, TargetConfig] = Field(
        default_factory=dict,
        description="By priority. Empty, and nothing of services: no clocks are kept.",
    )
    calendar: Name = Field(ALWAYS, description="Calendar of targets that name none.")
    warn_at: list[Part] = Field(
        [0.5, 0.8], description="Parts of the time at which people are warned, growing."
    )
    services: dict[Name, ServiceSlaConfig] = Field(
        default_factory=dict, description="What else is agreed for single services, by name."
    )

    @model_validator(mode="after")
    def _growing(self) -> Self:
        if self.warn_at != sorted(set(self.warn_at)):
            raise ValueError("warn_at should grow, like [0.5, 0.8]")
        return self

    def compile(
        self, calendars: Mapping[str, Calendar], support_hours: Mapping[str, str] | None = None
    ) -> SlaRules | None:
        """Make the rules that the core works with; None if nothing is agreed.

        *support_hours* names the calendars of services that have one.
        """
        if not self.targets and not any(service.targets for service in self.services.values()):
            return None
        hours = support_hours or {}
        return SlaRules(
            aims=self._aims(NOTHING_ELSE, None),
            services={
                name: self._aims(self.services.get(name, NOTHING_ELSE), hours.get(name))
                for name in sorted(self.services.keys() | hours.keys())
            },
            warn_at=tuple(self.warn_at),
            calendars=calendars,
        )

    def _aims(self, service: ServiceSlaConfig, hours: str | None) -> dict[tuple[Priority, Target], Aim]:
        return {
            (priority, target): self._aim(service, hours, priority, target)
            for priority in Priority
            for target in Target
        }

    def _aim(self, service: ServiceSlaConfig, hours: str | None, priority: Priority, target: Target) -> Aim:
        own, common = service.targets.get(priority, NOTHING), self.targets.get(priority, NOTHING)
        calendar = own.calendar or service.calendar or common.calendar or hours or self.calendar
        allowed = own.allowed(target) or common.allowed(target)
        return Aim(allowed, "" if calendar == ALWAYS else calendar)
