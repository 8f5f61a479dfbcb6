"""BMC Helix ITSM: what the contract does not cover."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from adapters.fakes.base import Deed
from adapters.fakes.bmc_helix import PASSWORD, USER, FakeBmcHelix
from adapters.http import Http
from adapters.tickets.bmc_helix import BmcHelixConfig, to_new
from domain.errors import PermanentError, Reason
from domain.ports import TicketSystem
from domain.ticket import TicketAction, TicketState
from tests.contracts.tickets import a_ticket, speaking
from tests.fakes.broken import Trouble, broken_app


def config(url: str = "https://acme.example", **settings: Any) -> BmcHelixConfig:
    own = {"type": "bmc_helix", "url": url, "username": USER, "password": PASSWORD}
    return BmcHelixConfig.model_validate({**own, "first_name": "M", "last_name": "T", **settings})


def plain(http: Http, url: str) -> TicketSystem:
    return config(url).build(http)


@pytest.fixture
def fake() -> FakeBmcHelix:
    return FakeBmcHelix()


@pytest.fixture
async def system(fake: FakeBmcHelix) -> AsyncIterator[TicketSystem]:
    async with speaking(plain, fake.app()) as one:
        yield one


def test_a_new_incident_is_all_that_helix_needs() -> None:
    settings = config(teams={"payments": "Payments L2"}, support_company="Acme", states={"open": "Assigned"})

    assert to_new(settings, a_ticket("a1b2", title="down\nnow")) == {
        "z1D_Action": "CREATE",
        "First_Name": "M",
        "Last_Name": "T",
        "Vendor Ticket Number": "a1b2",
        "Service_Type": "Infrastructure Event",
        "Reported Source": "Systems Management",
        "Status": "Assigned",
        "Assigned Support Company": "Acme",
        "Assigned Group": "Payments L2",
        "Description": "down now",
        "Detailed_Decription": "3 alerts of checkout\n\nhttp://tocsin.example/incidents/1",
        "Impact": "2-Significant/Large",
        "Urgency": "2-High",
    }


async def test_a_token_is_asked_for_once_and_again_when_it_ran_out(
    fake: FakeBmcHelix, system: TicketSystem
) -> None:
    await system.create(a_ticket())
    fake.tokens = 7
    await system.create(a_ticket())

    assert len(fake.ids()) == 2


async def test_a_login_that_gives_a_page_is_told() -> None:
    async with speaking(plain, broken_app(Trouble(body="<html>Sign in</html>"))) as system:
        with pytest.raises(PermanentError, match="is the address right") as caught:
            await system.create(a_ticket())

    assert not caught.value.unknown


async def test_what_goes_with_a_state_can_be_set(fake: FakeBmcHelix) -> None:
    own = {"resolved": {"Status_Reason": "Automated Resolution Reported"}}

    def speak(http: Http, url: str) -> TicketSystem:
        return config(url, state_fields=own).build(http)

    async with speaking(speak, fake.app()) as system:
        ref = await system.create(a_ticket(state=TicketState.RESOLVED))
    shown = fake.look(ref.id).fields

    assert shown["Status_Reason"] == "Automated Resolution Reported"
    assert shown["Resolution"] == "Recovered, says monitoring: checkout is down"


async def test_a_status_that_was_not_taken_is_told(
    fake: FakeBmcHelix, system: TicketSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A workflow may undo what was written, and answers the same."""
    ticket = a_ticket()
    ref = await system.create(ticket)
    monkeypatch.setattr("adapters.fakes.bmc_helix.READ", {"Status": "Was"})
    with pytest.raises(PermanentError, match="stayed"):
        await system.update(ref, replace(ticket, state=TicketState.RESOLVED), TicketAction.RESOLVE)


async def test_an_incident_that_is_gone_is_not_found(fake: FakeBmcHelix, system: TicketSystem) -> None:
    ticket = a_ticket()
    ref = await system.create(ticket)
    fake.act(ref.id, Deed(delete=True))
    with pytest.raises(PermanentError) as caught:
        await system.update(ref, ticket, TicketAction.UPDATE)

    assert caught.value.reason is Reason.NOT_FOUND


def test_a_mistake_in_the_settings_is_refused() -> None:
    with pytest.raises(ValidationError):
        config(key_field="it's")
