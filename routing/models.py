"""Routing's part of the YAML: services, priority, templates and routes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated

from jinja2 import TemplateSyntaxError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from domain.matching import Matcher
from notation import Label as Name
from notation import MatchConfig, Mode, RuleConfig
from routing.assignment_models import AssignmentRuleConfig, RotationConfig
from routing.calendar_models import CalendarConfig, compile_calendars
from routing.catalogue_models import ServiceConfig
from routing.escalation_models import EscalationConfig
from routing.priority_models import PriorityConfig
from routing.rules import BY_SEVERITY, IMPACT, URGENCY, Route, RoutingRules, Service, without_shadows
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

    def compile(self, place: str, *, shadow: bool = False) -> Route:
        """Make the route that the core works with; *place* names it where it has no id.

        What is below a route in *shadow* is, too.
        """
        shadow = shadow or self.mode is Mode.SHADOW
        return Route(
            self.id or place,
            tuple(self.destinations),
            Matcher.of(self.match),
            self.proceed,
            compile_routes(self.routes, f"{place}.", shadow=shadow),
            shadow,
        )


def compile_routes(
    routes: Sequence[RouteConfig], above: str = "#", *, shadow: bool = False
) -> tuple[Route, ...]:
    """Make a level of the routing tree, with the routes in shadow.

    >>> [route.id for route in compile_routes([RouteConfig(id="db"), RouteConfig()])]
    ['db', '#2']
    """
    return tuple(
        route.compile(f"{above}{number}", shadow=shadow) for number, route in enumerate(routes, start=1)
    )


def compile_routing(  # noqa: PLR0913 - each is a section of the YAML
    *,
    services: Mapping[str, ServiceConfig],
    priority: PriorityConfig,
    templates: TemplatesConfig,
    routes: Sequence[RouteConfig],
    calendars: Mapping[str, CalendarConfig],
    sla: SlaConfig,
    assignment: Sequence[AssignmentRuleConfig],
    on_call: Mapping[str, RotationConfig],
    escalation: Sequence[EscalationConfig],
    public_url: str,
) -> RoutingRules:
    """Make the rules that the core works with."""
    hours = compile_calendars(calendars)
    tree = compile_routes(routes)
    decisive = without_shadows(tree)
    rules = RoutingRules(
        services={name: service.compile(name, hours) for name, service in services.items()},
        default_service=Service("", priority.default.criticality, priority.default.team),
        routes=decisive,
        shadows=() if decisive == tree else tree,
        title=templates.title,
        description=templates.description,
        public_url=public_url,
        calendars=hours,
        assignment=tuple(rule.compile() for rule in assignment),
        on_call={team: rotation.compile() for team, rotation in on_call.items()},
        escalation=tuple(policy.compile() for policy in escalation),
        sla=sla.compile(
            hours, {name: each.support_hours for name, each in services.items() if each.support_hours}
        ),
    )
    return _prioritising(rules, priority)


def _prioritising(rules: RoutingRules, priority: PriorityConfig) -> RoutingRules:
    return replace(
        rules,
        scheme=priority.scheme,
        impact_levels=tuple(priority.levels.impact),
        urgency_levels=tuple(priority.levels.urgency),
        impact=IMPACT | priority.impact,
        urgency=URGENCY | priority.urgency,
        matrix=priority.cells(),
        adjustments=priority.adjustments(),
        overrides=tuple(rule.compile() for rule in priority.rules),
        by_severity=BY_SEVERITY | priority.by_severity,
        otherwise=priority.otherwise,
        lower_after=priority.lower_after,
    )
