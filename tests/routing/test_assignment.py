"""Who gets an incident: teams by rule, and the person on call by rotation."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events import TicketNews
from domain.incident import Incident
from domain.matching import Matcher
from domain.ticket import NewsKind
from domain.times import to_millis
from routing.assignment import AssignmentRule, Rotation, Shift, on_call
from routing.router import IncidentRouter
from tests.builders import DAY, HOUR, MINUTE, NOON, correlation_core, firing, received, routing_rules
from tests.core import Core

BERLIN = ZoneInfo("Europe/Berlin")
WEEKLY = Rotation(("ana", "ben", "cem"), date(2024, 1, 1), 9 * HOUR, 7, BERLIN)


def at(text: str) -> int:
    return to_millis(datetime.fromisoformat(text).replace(tzinfo=BERLIN))


@pytest.mark.parametrize(
    ("moment", "who", "until"),
    [
        ("2024-01-01T09:00", "ana", "2024-01-08T09:00"),
        ("2024-01-08T08:59", "ana", "2024-01-08T09:00"),
        ("2024-01-08T09:00", "ben", "2024-01-15T09:00"),
        ("2024-01-22T09:00", "ana", "2024-01-29T09:00"),
        ("2023-12-31T12:00", "cem", "2024-01-01T09:00"),
        ("2024-03-31T12:00", "ana", "2024-04-01T09:00"),
    ],
)
def test_members_take_turns(moment: str, who: str, until: str) -> None:
    """They hand over at nine o'clock, local time, also in a week in which clocks change."""
    assert on_call(WEEKLY, at(moment)) == (who, at(until))


def test_an_override_goes_before_the_rotation() -> None:
    """During an override that person is on call; what is said before ends where it begins."""
    rotation = replace(WEEKLY, overrides=(Shift(at("2024-01-03T18:00"), at("2024-01-04T08:00"), "dee"),))

    assert on_call(rotation, at("2024-01-02T12:00")) == ("ana", at("2024-01-03T18:00"))
    assert on_call(rotation, at("2024-01-03T18:00")) == ("dee", at("2024-01-04T08:00"))
    assert on_call(rotation, at("2024-01-04T08:00")) == ("ana", at("2024-01-08T09:00"))


@given(
    st.integers(-2000, 2000),
    st.integers(0, 1439),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    st.sampled_from([1, 7]),
)
def test_a_turn_is_as_long_as_it_says(day: int, minute: int, zone: str, days: int) -> None:
    """At any moment, whoever is on call stays so until the end that is said, and then the next one is."""
    rotation = Rotation(("a", "b", "c"), date(2024, 1, 1), minute * MINUTE, days, ZoneInfo(zone))
    now = to_millis(datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=day, minutes=minute * 7 % 1440))
    who, until = on_call(rotation, now)

    assert now < until <= now + days * DAY + 2 * HOUR
    assert on_call(rotation, until - 1)[0] == who
    assert on_call(rotation, until)[0] == "abc"[("abc".index(who) + 1) % 3]


def only(core: Core) -> Incident:
    (incident,) = core.all(Incident)
    assert isinstance(incident, Incident)
    return incident


def test_who_is_on_call_is_shown_until_somebody_takes_it_on() -> None:
    """It changes with the handover, for what nobody has taken on; then it stays."""
    daily = Rotation(("ana", "ben"), date(2024, 1, 1), 13 * HOUR, 1, ZoneInfo("UTC"))
    rules = replace(routing_rules(), on_call={"payments": daily})
    core = correlation_core(routing=rules)
    core.tell(received(firing()))
    assert only(core).on_call == "ben"
    assert "Team: payments (on call: ben)" in IncidentRouter(rules).render(only(core)).description

    core.pass_time(NOON + HOUR)
    assert only(core).on_call == "ana"
    assert only(core).notes[-1].text == "On call now: ana"

    core.tell(TicketNews(only(core).id, "noc", NOON + 2 * HOUR, NewsKind.ACKNOWLEDGED, "ana"))
    core.pass_time(NOON + 3 * DAY)
    assert only(core).on_call == "ana"
    assert only(core).follow_at is None


def test_a_rule_may_give_it_to_another_team() -> None:
    """The first rule that matches goes before the team of the service."""
    rule = AssignmentRule("databases", Matcher.of({"alertname": "Deadlock"}), "dba")
    core = correlation_core(routing=replace(routing_rules(), assignment=(rule,)))
    core.tell(received(firing("Deadlock")))

    judged = only(core).assessment
    assert judged is not None
    assert judged.team == "dba"
