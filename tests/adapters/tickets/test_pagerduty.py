"""PagerDuty: exactly what is written, and that nobody is called twice."""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from adapters.fakes.base import Answer, Deed, Fake
from adapters.fakes.pagerduty import SECRET, FakePagerDuty
from adapters.fakes.pagerduty_events import FakePagerDutyEvents
from adapters.http import Http
from adapters.tickets import pagerduty
from adapters.tickets.pagerduty import PagerDuty, PagerDutyConfig, to_incident
from adapters.tickets.pagerduty_events import PagerDutyEvents, to_event
from domain.errors import CallbackRefused, PermanentError, Reason, TemporaryError
from domain.incident import TicketRef
from domain.ports import Callback
from domain.priority import Priority
from domain.ticket import TicketAction, TicketState
from tests.contracts.tickets import a_ticket
from tests.contracts.two_way import NOW


def config(fake: Fake, url: str = "http://127.0.0.1:1", **changes: Any) -> PagerDutyConfig:
    return PagerDutyConfig.model_validate({**fake.settings(url), **changes})


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    http = Http()
    yield http
    await http.close()


@pytest.fixture
def fake() -> FakePagerDuty:
    return FakePagerDuty()


@pytest.fixture
async def url(fake: FakePagerDuty) -> AsyncIterator[str]:
    async with fake.serving() as url:
        yield url


@pytest.fixture
def system(fake: FakePagerDuty, url: str, http: Http) -> PagerDuty:
    made = config(fake, url).build(http)
    assert isinstance(made, PagerDuty)
    return made


@pytest.fixture
async def account() -> AsyncIterator[tuple[FakePagerDutyEvents, str]]:
    account = FakePagerDutyEvents()
    async with account.serving() as url:
        yield account, url


@pytest.fixture
def events(account: tuple[FakePagerDutyEvents, str], http: Http) -> PagerDutyEvents:
    made = config(*account).build(http)
    assert isinstance(made, PagerDutyEvents)
    return made


def test_an_incident_is_made_of() -> None:
    ticket = a_ticket("abc", priority=Priority.P3)

    assert to_incident(config(FakePagerDuty(), fields={"conference_bridge": {"number": "1"}}), ticket) == {
        "type": "incident",
        "title": "checkout is down",
        "service": {"id": "PSERV1CE", "type": "service_reference"},
        "incident_key": "abc",
        "body": {
            "type": "incident_body",
            "details": "3 alerts of checkout\n\nhttp://tocsin.example/incidents/1",
        },
        "urgency": "low",
        "priority": {"id": "PPRIO3", "type": "priority_reference"},
        "conference_bridge": {"number": "1"},
    }


def test_an_event_is_made_of() -> None:
    event = to_event(a_ticket("abc"), "trigger", {"group": "{{ team }}"})

    assert event == {
        "event_action": "trigger",
        "dedup_key": "abc",
        "payload": {
            "summary": "checkout is down",
            "source": "checkout",
            "severity": "error",
            "timestamp": "2024-01-01T00:00:00.000Z",
            "custom_details": {
                "description": "3 alerts of checkout",
                "priority": "P2",
                "team": "payments",
                "alerts": 3,
            },
            "group": "payments",
        },
        "links": [{"href": "http://tocsin.example/incidents/1", "text": "Incident in Tocsin"}],
        "client": "Tocsin",
        "client_url": "http://tocsin.example/incidents/1",
    }
    assert to_event(a_ticket("abc"), "resolve", {}) == {"event_action": "resolve", "dedup_key": "abc"}


async def test_an_update_after_a_person_resolved_it_calls_nobody_again(
    account: tuple[FakePagerDutyEvents, str], events: PagerDutyEvents
) -> None:
    """A trigger would open another incident."""
    fake, ticket = account[0], a_ticket()
    ref = await events.create(ticket)
    fake.act(ref.id, Deed(state=TicketState.RESOLVED))
    worse = replace(ticket, version=2, priority=Priority.P1)
    await events.update(ref, worse, TicketAction.UPDATE)
    await events.update(ref, replace(worse, state=TicketState.ON_HOLD), TicketAction.TRANSITION)

    assert len(fake.incidents) == 1
    assert not fake.look(ref.id).is_open


async def test_of_what_is_over_before_it_gets_through_nobody_is_told(
    account: tuple[FakePagerDutyEvents, str], events: PagerDutyEvents
) -> None:
    await events.create(a_ticket(state=TicketState.RESOLVED))

    assert account[0].incidents == {}


async def test_a_reopened_one_is_meant_to_call(
    account: tuple[FakePagerDutyEvents, str], events: PagerDutyEvents
) -> None:
    fake, ticket = account[0], a_ticket()
    ref = await events.create(ticket)
    await events.update(ref, replace(ticket, state=TicketState.RESOLVED), TicketAction.RESOLVE)
    await events.update(ref, ticket, TicketAction.REOPEN)

    assert [one.status for one in fake.incidents.values()] == ["resolved", "triggered"]


async def test_an_open_incident_with_our_key_is_taken_for_ours(
    system: PagerDuty, fake: FakePagerDuty
) -> None:
    ticket = a_ticket()
    first = await system.create(ticket)

    assert await system.create(ticket) == first
    assert len(fake.incidents) == 1


async def test_another_refusal_stays_one(url: str, fake: FakePagerDuty, http: Http) -> None:
    with pytest.raises(PermanentError, match="Service not found"):
        await config(fake, url, service="PNONE").build(http).create(a_ticket())


async def test_the_reset_of_the_limit_is_waited_for(system: PagerDuty, fake: FakePagerDuty) -> None:
    fake.hazards.answers.append(fake.limited())
    with pytest.raises(TemporaryError) as caught:
        await system.find("abc")

    assert caught.value.retry_after == 7.0


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"service": "PNONE"}, "service 'PNONE' does not exist"),
        ({"priorities": dict.fromkeys(Priority, "PNONE")}, "no priority PNONE; PPRIO1 is P1"),
    ],
)
async def test_a_ping_says_what_is_wrong(
    url: str, fake: FakePagerDuty, http: Http, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(PermanentError, match=told):
        await config(fake, url, **changes).build(http).ping()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"routing_key": "a", "token": "b", "sender": "c", "service": "D"},
        {"token": "b"},
        {"token": "b", "sender": "c", "service": "a/b"},
        {"token": "b", "sender": "c", "service": "D", "priorities": {"P1": "PA"}},
    ],
)
def test_the_way_must_be_clear(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PagerDutyConfig.model_validate({"type": "pagerduty", **settings})


async def test_more_entries_than_are_listed_are_read_in_shares(
    system: PagerDuty, fake: FakePagerDuty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is newest comes first, so a poll that stops early would miss the oldest for ever."""
    monkeypatch.setattr(pagerduty, "LAST_OFFSET", 200)
    ref = await system.create(a_ticket())
    start = datetime.now(UTC) - timedelta(hours=1)
    fake.log[:] = [(start + timedelta(seconds=6 * number), ref.id) for number in range(500)]
    fake.log[0] = (start, "QGONE")
    polled = await system.poll(start.isoformat())
    first_end = datetime.fromisoformat(polled.cursor)

    assert {seen.id for seen in polled.seen} == {ref.id, "QGONE"}
    assert first_end < datetime.now(UTC) - timedelta(minutes=10)


def posted(event: dict[str, Any], signature: str = "") -> Callback:
    body = json.dumps({"event": event}).encode()
    fits = f"v1={hmac.new(SECRET.encode(), body, 'sha256').hexdigest()}"
    return Callback(body, NOW, {"x-pagerduty-signature": signature or fits})


EVENT = {"id": "1", "event_type": "incident.resolved", "occurred_at": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    "event",
    [
        {**EVENT, "event_type": "pagey.ping", "data": {"id": "x", "type": "ping", "message": "hello"}},
        {**EVENT, "event_type": "service.updated", "data": {"id": "PS", "type": "service"}},
        {
            **EVENT,
            "event_type": "incident.responder.added",
            "data": {"id": "x", "type": "incident_responder"},
        },
        {**EVENT, "data": None},
    ],
)
async def test_what_is_about_something_else_is_no_news(system: PagerDuty, event: dict[str, Any]) -> None:
    """Not an error: three refusals end a subscription."""
    assert list(await system.callback(posted(event))) == []


@pytest.mark.parametrize("signature", ["v1=00", "v0=abc", "garbage", "v1=,v1="])
async def test_a_signature_that_does_not_fit(system: PagerDuty, signature: str) -> None:
    with pytest.raises(CallbackRefused) as caught:
        await system.callback(posted(EVENT, signature))

    assert caught.value.is_forged


async def test_without_a_secret_nothing_is_believed(fake: FakePagerDuty, http: Http) -> None:
    system = config(fake, callback_secret=None).build(http)
    with pytest.raises(CallbackRefused, match="callback_secret"):
        await system.callback(posted(EVENT))


async def test_an_answer_about_another_key_is_no_success(http: Http) -> None:
    fake = FakePagerDutyEvents()
    async with fake.serving() as url:
        fake.hazards.answers.append(Answer(202, '{"status": "success", "message": "", "dedup_key": "other"}'))
        with pytest.raises(PermanentError) as caught:
            await config(fake, url).build(http).create(a_ticket())

    assert caught.value.reason is Reason.BAD_ANSWER


async def test_an_incident_that_kept_its_status_is_told(system: PagerDuty, fake: FakePagerDuty) -> None:
    ticket = a_ticket()
    ref = await system.create(ticket)
    fake.hazards.answers.append(Answer(200, json.dumps({"incident": {"id": ref.id, "status": "triggered"}})))
    fake.hazards.answers.append(Answer(200, json.dumps({"incident": {"id": ref.id, "status": "triggered"}})))
    with pytest.raises(PermanentError, match="stayed triggered"):
        await system.update(
            TicketRef(ref.id), replace(ticket, state=TicketState.RESOLVED), TicketAction.RESOLVE
        )
