"""What people do to tickets, as the incident takes it; and a P1 that a destination does not get."""

from __future__ import annotations

import pytest

from correlation.handler import CorrelationHandler
from correlation.rules import CorrelationRules, Fallback
from domain.alert import Severity
from domain.events import Event, TicketNews, TicketReported, TicketsDesired
from domain.incident import Incident, IncidentState, Stage, TicketRef, TimelineEntry
from domain.ticket import NewsKind, TicketAction, TicketState
from routing.router import IncidentRouter
from tests.builders import MINUTE, NOON, SECOND, correlation_core, firing, received, resolved, routing_rules
from tests.core import Core


def only_incident(core: Core) -> Incident:
    (incident,) = core.all(Incident)
    assert isinstance(incident, Incident)
    return incident


def opened() -> tuple[Core, str]:
    core = correlation_core()
    core.tell(received(firing()))
    return core, only_incident(core).id


def news(incident: str, kind: NewsKind, at: int = NOON + MINUTE, detail: str = "") -> TicketNews:
    return TicketNews(incident, "noc", at, kind, "alice", detail)


def last_told(core: Core) -> Event:
    return core.sent[-1][1]


@pytest.mark.parametrize(
    ("kind", "stage"),
    [
        (NewsKind.ACKNOWLEDGED, Stage.ACKNOWLEDGED),
        (NewsKind.IN_PROGRESS, Stage.IN_PROGRESS),
        (NewsKind.ON_HOLD, Stage.ON_HOLD),
    ],
)
def test_work_on_a_ticket_shows_in_the_incident_and_in_all_tickets(kind: NewsKind, stage: Stage) -> None:
    core, incident = opened()
    core.tell(news(incident, kind))
    told = last_told(core)

    assert only_incident(core).stage is stage
    assert isinstance(told, TicketsDesired)
    assert told.tickets[0].state is TicketState(stage.value)


def test_who_did_it_is_on_the_timeline() -> None:
    core, incident = opened()
    core.tell(news(incident, NewsKind.ACKNOWLEDGED))
    entry = core.logs[f"timeline:{incident}"][-1]

    assert isinstance(entry, TimelineEntry)
    assert (entry.verdict, entry.reason, entry.destination) == (
        "person_acknowledged",
        "acknowledged by alice in noc",
        "noc",
    )


def test_what_a_person_resolved_stays_so_while_the_alert_only_repeats() -> None:
    core, incident = opened()
    core.tell(news(incident, NewsKind.RESOLVED))
    core.tell(received(firing(), at=NOON + 2 * MINUTE))

    assert only_incident(core).state is IncidentState.RESOLVED


def test_it_is_open_again_when_the_alert_fires_anew() -> None:
    core, incident = opened()
    core.tell(news(incident, NewsKind.RESOLVED))
    again = NOON + 2 * MINUTE
    core.tell(received(firing(starts_at=again), at=again))

    assert only_incident(core).state is IncidentState.OPEN
    assert core.outcomes()["reopened"] == 1


def test_its_alerts_may_end_later() -> None:
    core, incident = opened()
    core.tell(news(incident, NewsKind.CLOSED))
    ended_at = only_incident(core).resolved_at
    core.tell(received(resolved(), at=NOON + 5 * MINUTE))

    assert only_incident(core).resolved_at == ended_at
    assert sum(only_incident(core).firing) == 0


def test_a_person_may_reopen() -> None:
    core, incident = opened()
    core.tell(received(resolved(), at=NOON + MINUTE))
    core.tell(news(incident, NewsKind.REOPENED, NOON + 2 * MINUTE))

    assert only_incident(core).state is IncidentState.OPEN


def test_a_comment_becomes_a_note_that_is_not_told_where_it_was_written() -> None:
    core, incident = opened()
    core.tell(news(incident, NewsKind.COMMENTED, detail="on it"))
    (note,) = only_incident(core).notes

    assert "on it" in note.text
    assert note.origin == "noc"


def test_an_assignee_is_known() -> None:
    core, incident = opened()
    core.tell(news(incident, NewsKind.ASSIGNED, detail="bob"))

    assert only_incident(core).assignee == "bob"


def test_news_of_an_incident_that_is_gone_are_nothing() -> None:
    core, _ = opened()
    core.tell(news("ffff", NewsKind.RESOLVED))

    assert only_incident(core).is_open


def test_a_change_of_priority_is_noted_once() -> None:
    core = correlation_core()
    core.tell(received(firing(severity=Severity.LOW)))
    core.tell(received(firing(severity=Severity.CRITICAL), at=NOON + MINUTE))

    assert [note.text.partition(":")[0] for note in only_incident(core).notes] == [
        "Priority changed from P3 to P1"
    ]


def test_a_growing_incident_is_noted_each_time_it_has_doubled() -> None:
    core = correlation_core()
    for number in range(100):
        core.tell(received(firing(f"a{number}"), at=NOON + number * SECOND))

    assert [note.text.partition(" ")[0] for note in only_incident(core).notes] == [
        "2",
        "4",
        "8",
        "16",
        "32",
        "64",
    ]


def falling_back() -> Core:
    rules = CorrelationRules(fallbacks={"noc": Fallback("mail", 5 * MINUTE)})
    return Core(CorrelationHandler("alerts.0", rules, IncidentRouter(routing_rules())))


def test_a_p1_that_a_destination_has_not_got_goes_to_its_fallback() -> None:
    core = falling_back()
    core.tell(received(firing()))
    core.pass_time(NOON + 6 * MINUTE)
    mailboxes = [mailbox for mailbox, _ in core.sent]

    assert mailboxes[-2:] == ["tickets.noc", "tickets.mail"]
    assert any("mail gets it" in getattr(entry, "reason", "") for log in core.logs.values() for entry in log)


def test_a_p1_that_was_delivered_does_not() -> None:
    core = falling_back()
    core.tell(received(firing()))
    incident = only_incident(core).id
    core.tell(TicketReported(incident, "noc", NOON, TicketAction.CREATE, "open", 1, TicketRef("1")))
    core.pass_time(NOON + 6 * MINUTE)

    assert {mailbox for mailbox, _ in core.sent} == {"tickets.noc"}


def test_one_of_lower_priority_waits() -> None:
    core = falling_back()
    core.tell(received(firing(severity=Severity.LOW)))
    core.pass_time(NOON + 6 * MINUTE)

    assert {mailbox for mailbox, _ in core.sent} == {"tickets.noc"}
