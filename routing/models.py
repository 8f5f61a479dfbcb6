"""Routing's part of the YAML: services, priority, templates and routes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from jinja2 import TemplateSyntaxError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from domain.alert import Severity
from domain.matching import Matcher
from domain.priority import Level, Priority
from notation import Duration, MatchConfig, RuleConfig, lasting
from notation import Label as Name
from routing.calendar_models import CalendarConfig, compile_calendars
from routing.rules import IMPACT, MATRIX, URGENCY, Criticality, Route, RoutingRules, Service
from routing.sla_models import SlaConfig
from routing.templates import compile_template

DEFAULTS = RoutingRules()


def _checked(template: str) -> str:
    try:
        compile_template(template)
    except TemplateSyntaxError as error:
        raise ValueError(f"not a template: {error.message} (line {error.lineno} of the template)") from None
    return template


Template = Annotated[str, AfterValidator(_checked)]


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

    def compile(self, name: str) -> Service:
        """Make the catalogue entry that the core works with."""
        return Service(name, self.criticality, self.team, tuple(self.depends_on))


class DefaultServiceConfig(BaseModel):
    """What is taken for a service that the catalogue does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    criticality: Criticality = Field(Criticality.MEDIUM, description="How much the business depends on it.")
    team: str = Field("", description="Team that gets its incidents.")


class PriorityConfig(BaseModel):
    """How impact and urgency make the priority, the ITIL way. What is not given keeps its default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    impact: dict[Criticality, Level] = Field(
        default_factory=dict,
        description="Impact of an incident by its service's criticality. "
        "Defaults: critical and high are high, medium is medium, low is low.",
    )
    urgency: dict[Severity, Level] = Field(
        default_factory=dict,
        description="Urgency of an incident by its worst alert's severity. "
        "Defaults: critical and high are high, medium is medium, low and info are low.",
    )
    matrix: dict[Level, dict[Level, Priority]] = Field(
        default_factory=dict,
        description="Priority by impact, then by urgency. Defaults: high impact P1 P2 P3 for high, medium "
        "and low urgency, medium impact P2 P3 P4, low impact P3 P4 P5.",
    )
    widespread_at: int = Field(
        3, ge=2, description="From this many services hit, the impact is one level higher."
    )
    lower_after: Duration = lasting(
        "10m", "A lower priority is taken once it would have been right for this long."
    )
    default: DefaultServiceConfig = Field(
        default_factory=DefaultServiceConfig,
        description="Stands in for services that the catalogue does not know.",
    )

    def cells(self) -> dict[tuple[Level, Level], Priority]:
        """List the whole matrix by (impact, urgency), defaults included."""
        given = {
            (impact, urgency): priority
            for impact, row in self.matrix.items()
            for urgency, priority in row.items()
        }
        return MATRIX | given


class TemplatesConfig(BaseModel):
    """Texts of tickets, as Jinja2 templates."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Template = Field(DEFAULTS.title, description="Title of a ticket.")
    description: Template = Field("", description="Description of a ticket. Empty: the built-in one.")


class RouteConfig(RuleConfig):
    """A node of the routing tree: which incidents become tickets where."""

    id: str = Field(
        "", description="Name of the route, shown with its decisions. Empty: its place, like #2.1."
    )
    match: MatchConfig = Field(
        default_factory=dict,
        description="Labels or fields that an incident must have, each with its value or a list of values; "
        'or matchers like Alertmanager\'s: service=~"pay.*", or a list of them. '
        "Empty: the route applies to every incident.",
    )
    destinations: list[Name] = Field(
        default_factory=list, description="Where tickets are made. Empty: where the route above makes them."
    )
    proceed: bool = Field(
        False, alias="continue", description="Whether the next route beside this one is tried too."
    )
    routes: list[RouteConfig] = Field(
        default_factory=list, description="Routes tried within this one; the deepest that matches decides."
    )

    def compile(self, place: str) -> Route:
        """Make the route that the core works with; *place* names it where it has no id."""
        return Route(
            self.id or place,
            tuple(self.destinations),
            Matcher.of(self.match),
            self.proceed,
            compile_routes(self.routes, f"{place}."),
        )


def compile_routes(routes: Sequence[RouteConfig], above: str = "#") -> tuple[Route, ...]:
    """Make a level of the routing tree.

    >>> [route.id for route in compile_routes([RouteConfig(id="db"), RouteConfig()])]
    ['db', '#2']
    """
    return tuple(route.compile(f"{above}{number}") for number, route in enumerate(routes, start=1))


def compile_routing(  # noqa: PLR0913 - each is a section of the YAML
    *,
    services: Mapping[str, ServiceConfig],
    priority: PriorityConfig,
    templates: TemplatesConfig,
    routes: Sequence[RouteConfig],
    calendars: Mapping[str, CalendarConfig],
    sla: SlaConfig,
    public_url: str,
) -> RoutingRules:
    """Make the rules that the core works with."""
    return RoutingRules(
        services={name: service.compile(name) for name, service in services.items()},
        default_service=Service("", priority.default.criticality, priority.default.team),
        routes=compile_routes(routes),
        impact=IMPACT | priority.impact,
        urgency=URGENCY | priority.urgency,
        matrix=priority.cells(),
        widespread_at=priority.widespread_at,
        lower_after=priority.lower_after,
        title=templates.title,
        description=templates.description,
        public_url=public_url,
        sla=sla.compile(compile_calendars(calendars)),
    )
