"""Where an incident's tickets go, what they say, and what a bad template does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from domain.incident import Incident
from domain.matching import Matcher
from domain.priority import Priority
from domain.ticket import DesiredTicket, TicketState
from routing.router import IncidentRouter
from routing.routes import Stop, destinations_of, walk
from routing.rules import Route, RoutingRules, index_of
from routing.templates import LONGEST, render
from tests.builders import MINUTE, NOON, SERVICES, correlation_core, firing, received, resolved, routing_rules

TREE = (
    Route("audit", ("log",), proceed=True),
    Route(
        "production",
        ("noc",),
        Matcher.of({"environment": "production"}),
        routes=(
            Route("databases", ("dba",), Matcher.of({"team": ["db", "storage"]})),
            Route("urgent", (), Matcher.of({"priority": "P1"})),
        ),
    ),
    Route("rest", ("archive",)),
)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, [Stop("audit", ("log",)), Stop("rest", ("archive",))]),
        ({"environment": "production"}, [Stop("audit", ("log",)), Stop("production", ("noc",))]),
        (
            {"environment": "production", "team": "storage", "priority": "P1"},
            [Stop("audit", ("log",)), Stop("databases", ("dba",))],
        ),
        (
            {"environment": "production", "priority": "P1"},
            [Stop("audit", ("log",)), Stop("urgent", ("noc",))],
        ),
    ],
)
def test_walk(fields: dict[str, str], expected: list[Stop]) -> None:
    """The deepest match decides; a route without destinations has its parent's; ``proceed`` goes on."""
    assert list(walk(index_of(TREE), fields)) == expected


def incident_of(routing: RoutingRules | None = None) -> tuple[IncidentRouter, Incident]:
    """A critical incident of checkout, and the router that judged it."""
    core = correlation_core(routing=routing)
    core.tell(received(firing()))
    (incident,) = core.all(Incident)
    return IncidentRouter(routing or routing_rules()), incident


def rendered(rules: RoutingRules) -> DesiredTicket:
    """The ticket of a critical incident of checkout."""
    router, incident = incident_of(rules)
    return router.render(incident)


def test_ticket() -> None:
    """A ticket shows the incident."""
    ticket = rendered(routing_rules())

    assert ticket.title == "[P1] CPU is bad"
    assert (ticket.priority, ticket.team, ticket.service) == (Priority.P1, "payments", "checkout")
    assert (ticket.state, ticket.alerts, ticket.version) == (TicketState.OPEN, 1, 1)
    assert ticket.url.endswith(f"/api/v1/incidents/{ticket.key}")
    for text in ("Priority: P1 (high impact, high urgency)", "Team: payments", "service: checkout"):
        assert text in ticket.description


def test_resolved_ticket() -> None:
    """The ticket of a resolved incident says so, and when."""
    core = correlation_core()
    core.tell(received(firing()))
    core.tell(received(resolved(), at=NOON + MINUTE))
    (incident,) = core.all(Incident)

    ticket = IncidentRouter(routing_rules()).render(incident)

    assert ticket.state is TicketState.RESOLVED
    assert "Resolved: 2024-01-01T12:01:00.000Z" in ticket.description


def test_title_is_one_line() -> None:
    """A template with line breaks still gives a title of one line."""
    ticket = rendered(replace(routing_rules(), title="{{ service }}\n{{ summary }}"))

    assert ticket.title == "checkout CPU is bad"


@pytest.mark.parametrize(
    "template",
    [
        "{{ 1 / 0 }}",
        "{{ labels.update({'a': 'b'}) }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ labels.nothing() }}",
        "{{ service + 1 }}",
    ],
)
def test_failing_template(template: str) -> None:
    """A template that fails, or tries to reach out of its sandbox, gives a ticket that says so."""
    ticket = rendered(replace(routing_rules(), title=template))

    assert ticket.title == "CPU is bad" or ticket.title.startswith("CPU is bad (template failed: ")


def test_missing_values_are_empty() -> None:
    """A label that an incident has not is empty, not an error."""
    assert rendered(replace(routing_rules(), title="[{{ labels.site }}] {{ name }}")).title == "[] CPU"


def test_endless_text_is_cut() -> None:
    """However long a template's output is, a ticket's text has an end."""
    assert len(render("{{ 'x' * 100000 }}", {}, "")) == LONGEST


def test_destinations_stay() -> None:
    """A destination that has a ticket keeps it, though the incident is routed elsewhere by now."""
    rules = RoutingRules(
        services=SERVICES,
        routes=(Route("urgent", ("pager",), Matcher.of({"priority": "P1"})), Route("rest", ("noc",))),
    )
    router, incident = incident_of(rules)
    assert incident.assessment is not None
    assert incident.assessment.destinations == ("pager",)

    milder = structs.replace(incident, firing=(0, 0, 1, 0, 0))
    held, _ = router.assess(milder, NOON)
    assert held.lower_at is not None
    lowered, _ = router.assess(structs.replace(milder, assessment=held), held.lower_at)

    assert lowered.priority is Priority.P2
    assert lowered.destinations == ("pager", "noc")


@given(st.lists(st.lists(st.sampled_from("abc"))))
def test_each_destination_once(destinations: list[list[str]]) -> None:
    """However many routes lead to a destination, it gets one ticket."""
    found = destinations_of([Stop(str(n), tuple(names)) for n, names in enumerate(destinations)])

    assert len(found) == len(set(found))
    assert set(found) == {name for names in destinations for name in names}
