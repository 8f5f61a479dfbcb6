"""Zammad: what the contract does not cover."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.fakes.zammad import FakeZammad
from adapters.http import Http
from adapters.tickets.zammad import ZammadConfig
from adapters.tickets.zammad_tickets import Article, Ticket, plain, to_changes, to_new, to_seen
from domain.errors import CallbackRefused, PermanentError
from domain.ports import Callback
from domain.priority import Priority
from domain.ticket import TicketAction, TicketKind, TicketState
from tests.contracts.tickets import a_ticket, serving

NOW = 1_704_067_200.0
AT = datetime(2024, 1, 1, tzinfo=UTC)


def config(**changes: Any) -> ZammadConfig:
    base = {
        "type": "zammad",
        "url": "https://help.example",
        "token": "t",
        "group": "Ops",
        "customer": "a@b.example",
    }
    return ZammadConfig.model_validate({**base, **changes})


def test_a_new_ticket_is_all_that_zammad_needs() -> None:
    settings = config(
        teams={"payments": "Payments"}, impact_field="impact", fields={"service": "{{ service }}"}
    )

    assert to_new(settings, a_ticket("a1b2", kind=TicketKind.PROBLEM), NOW) == {
        "group": "Payments",
        "customer_id": "guess:a@b.example",
        "tocsin_key": "a1b2",
        "tags": "problem",
        "state": "new",
        "title": "checkout is down",
        "priority": "3 high",
        "impact": "high",
        "service": "checkout",
        "article": {
            "subject": "checkout is down",
            "body": "3 alerts of checkout\n\nhttp://tocsin.example/incidents/1",
            "type": "note",
            "internal": True,
            "content_type": "text/plain",
        },
    }


def test_a_ticket_on_hold_waits_until_a_moment() -> None:
    held = a_ticket(state=TicketState.ON_HOLD)
    now = Ticket(1, "new", AT)
    shown = {"title": held.title, "priority": "3 high"}

    assert to_changes(config(), held, TicketAction.TRANSITION, now, shown, NOW) == {
        "state": "pending reminder",
        "pending_time": "2024-01-02T00:00:00+00:00",
    }


def test_a_priority_that_stands_for_two_of_ours_says_nothing() -> None:
    high = Ticket(1, "new", AT, priority="3 high")

    assert to_seen(config(), high).priority is None
    assert to_seen(config(priorities={"P1": "4 disaster"}), high).priority is Priority.P2


def test_a_merged_ticket_reads_as_closed() -> None:
    assert to_seen(config(), Ticket(1, "merged", AT)).state is TicketState.CLOSED


def test_what_people_write_in_the_browser_is_read_as_text() -> None:
    assert plain(Article(1, AT, "<div>a &lt; b<br>c</div>", "text/html")) == "a < b\nc"


async def test_what_is_missing_is_named() -> None:
    fake, http = FakeZammad(), Http()
    async with serving(fake.app()) as url:
        with pytest.raises(PermanentError, match="there is no group 'Nope'"):
            await ZammadConfig.model_validate(fake.settings(url) | {"group": "Nope"}).build(http).ping()
        await http.close()


async def test_an_attribute_that_is_not_there_is_not_believed() -> None:
    """Zammad looks for the words in all fields then."""
    fake, http = FakeZammad(), Http()
    async with serving(fake.app()) as url:
        system = ZammadConfig.model_validate(fake.settings(url)).build(http)
        await system.create(a_ticket("a1b2"))
        wrong = ZammadConfig.model_validate(fake.settings(url) | {"key_field": "nope"}).build(http)

        assert await wrong.find("a1b2") is None
        await http.close()


async def test_a_callback_without_a_secret_names_the_setting() -> None:
    with pytest.raises(CallbackRefused, match="set callback_secret"):
        await config().build(Http()).callback(Callback(b"{}", 0))


@pytest.mark.parametrize("mistake", [{"key_field": "a b"}, {"pending": "0s"}, {"states": {"broken": "x"}}])
def test_a_mistake_in_the_settings_is_refused(mistake: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        config(**mistake)
