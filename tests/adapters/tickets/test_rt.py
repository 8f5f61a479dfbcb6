"""Request Tracker: the same tests on a real one, where the distribution has it, and on the fake."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import ValidationError

from adapters.fakes import rt as fake
from adapters.fakes.base import Handler, Shown
from adapters.http import Http
from adapters.tickets.rt import RequestTracker, RequestTrackerConfig
from adapters.tickets.rt_tickets import (
    DEFAULT_PRIORITIES,
    CustomField,
    Row,
    state_in,
    subject,
    to_changes,
    to_message,
    to_new,
)
from domain.errors import PermanentError, Reason, TemporaryError
from domain.incident import TicketRef
from domain.ports import Callback, LinkKind, TicketSystem
from domain.priority import Level, Priority
from domain.ticket import Note, TicketAction, TicketKind, TicketSeen, TicketState
from tests.contracts.tickets import (
    SHORT,
    HttpTicketContract,
    SpeakTo,
    TicketSystemContract,
    Tool,
    a_ticket,
    serving,
    speaking,
)
from tests.fakes.broken import Trouble, broken_app
from tests.services import rt as real


@dataclass(frozen=True, slots=True)
class Desk:
    """An RT, and the hands of a person in front of it."""

    url: str
    token: str
    http: Http

    def settings(self, **changes: Any) -> RequestTrackerConfig:
        return config(self.url, **{"token": self.token, **changes})

    def system(self, **changes: Any) -> RequestTracker:
        return self.settings(**changes).build(self.http)

    async def call(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Authorization": f"token {self.token}"}
        url = f"{self.url}/REST/2.0{path}"
        async with self.http.session().request(method, url, json=body, headers=headers) as reply:
            return await reply.json()

    async def look(self, ref: TicketRef) -> Shown:
        row = await self.call("GET", f"/ticket/{ref.id}")
        texts = (await self.call("GET", f"/ticket/{ref.id}/attachments?fields=Content"))["items"]
        is_open = row["Status"] not in {"resolved", "rejected", "deleted"}
        text = "\n".join(one["Content"] for one in texts)
        return Shown(row["Subject"], text, is_open, row["Priority"])


def config(url: str, **changes: Any) -> RequestTrackerConfig:
    settings = {"type": "rt", "url": url, "token": "t-o-k-e-n", "queue": "Incidents", **changes}
    return RequestTrackerConfig.model_validate(settings)


@asynccontextmanager
async def desk_at(url: str, token: str) -> AsyncIterator[Desk]:
    http = Http()
    try:
        yield Desk(url, token, http)
    finally:
        await http.close()


class RequestTrackerContract(TicketSystemContract):
    """What only RT does; a subclass gives the fixture ``desk``."""

    @pytest.fixture
    def tool(self, desk: Desk) -> Tool:
        shown = {priority: str(number) for priority, number in DEFAULT_PRIORITIES.items()}
        system = desk.system(impact_field="Impact", urgency_field="Urgency")
        return Tool(system, desk.look, shown)

    async def test_impact_and_urgency_are_written_and_kept_up_to_date(self, desk: Desk) -> None:
        system = desk.system(impact_field="Impact", urgency_field="Urgency")
        ticket = a_ticket()
        ref = await system.create(ticket)
        eased = msgspec.structs.replace(ticket, version=2, impact=Level.LOW)
        await system.update(ref, eased, TicketAction.UPDATE)
        fields = (await desk.call("GET", f"/ticket/{ref.id}"))["CustomFields"]

        assert {field["name"]: field["values"] for field in fields} == {
            "ExternalID": [ticket.key],
            "Impact": ["low"],
            "Urgency": ["medium"],
            "Service": [],
        }

    async def test_a_second_create_for_a_unique_key_ends_in_the_first_ticket(self, desk: Desk) -> None:
        """RT answers 201 and leaves the key out; the orphan is merged away."""
        system, ticket = desk.system(), a_ticket()
        first = await system.create(ticket)
        second = await system.create(ticket)
        orphan = await desk.call("GET", f"/ticket/{int(first.id) + 1}")

        assert second == first
        assert str(orphan["id"]) == first.id

    async def test_a_status_that_rt_refuses_is_an_error_though_it_answers_200(self, desk: Desk) -> None:
        system, ticket = desk.system(states={"resolved": "fixed"}), a_ticket()
        ref = await system.create(ticket)
        with pytest.raises(PermanentError, match=r"kept its Status: .*'fixed' isn't a valid") as caught:
            await system.update(ref, ticket, TicketAction.RESOLVE)

        assert caught.value.reason is Reason.REJECTED

    async def test_what_people_set_while_it_is_open_stays(self, desk: Desk) -> None:
        system, ticket = desk.system(), a_ticket()
        ref = await system.create(ticket)
        await desk.call("PUT", f"/ticket/{ref.id}", {"Status": "stalled"})
        for action in (TicketAction.UPDATE, TicketAction.REOPEN):
            await system.update(ref, ticket, action)

        assert (await desk.call("GET", f"/ticket/{ref.id}"))["Status"] == "stalled"

    async def test_a_rejected_ticket_counts_as_resolved(self, desk: Desk) -> None:
        system, ticket = desk.system(), a_ticket()
        ref = await system.create(ticket)
        await desk.call("PUT", f"/ticket/{ref.id}", {"Status": "rejected"})
        await system.update(ref, ticket, TicketAction.RESOLVE)

        assert (await desk.call("GET", f"/ticket/{ref.id}"))["Status"] == "rejected"

    @pytest.mark.parametrize("action", [TicketAction.UPDATE, TicketAction.RESOLVE, TicketAction.REOPEN])
    async def test_a_deleted_ticket_is_gone(self, desk: Desk, action: TicketAction) -> None:
        system, ticket = desk.system(), a_ticket()
        ref = await system.create(ticket)
        await desk.call("PUT", f"/ticket/{ref.id}", {"Status": "deleted"})
        with pytest.raises(PermanentError) as caught:
            await system.update(ref, ticket, action)

        assert caught.value.reason is Reason.NOT_FOUND
        assert await system.find(ticket.key) is None

    async def test_a_merged_ticket_is_gone_and_the_one_it_went_into_is_left_alone(self, desk: Desk) -> None:
        system, ticket = desk.system(), a_ticket(title="ours")
        ref, other = await system.create(ticket), await system.create(a_ticket(title="other"))
        await desk.call("PUT", f"/ticket/{ref.id}", {"MergeInto": int(other.id)})
        with pytest.raises(PermanentError, match=f"merged into {other.id}") as caught:
            await system.update(ref, ticket, TicketAction.RESOLVE)

        assert caught.value.reason is Reason.NOT_FOUND
        assert (await desk.look(other)).title == "other"

    async def test_a_ticket_that_never_was_is_not_found(self, desk: Desk) -> None:
        with pytest.raises(PermanentError) as caught:
            await desk.system().update(TicketRef("99999"), a_ticket(), TicketAction.UPDATE)

        assert caught.value.reason is Reason.NOT_FOUND

    async def test_people_are_told_when_it_matters_and_not_otherwise(self, desk: Desk) -> None:
        system, ticket = desk.system(), a_ticket(description="first")
        ref = await system.create(ticket)
        for action, changes in NEWS:
            ticket = msgspec.structs.replace(ticket, **changes)
            await system.update(ref, ticket, action)
        text = (await desk.look(ref)).text

        assert [word for word in ("first", "second", "third", "fourth") if word in text] == [
            "first",
            "third",
            "fourth",
        ]

    async def test_a_field_that_does_not_exist_is_named_and_not_taken_for_no_ticket(self, desk: Desk) -> None:
        system = desk.system(key_field="Nope", impact_field="Severity")
        with pytest.raises(PermanentError, match=r"no ticket custom field 'Nope'.*'Severity'"):
            await system.ping()

    async def test_a_create_whose_key_is_not_kept_says_what_to_do(self, desk: Desk) -> None:
        with pytest.raises(PermanentError, match=r"did not keep .* in Nope; grant") as caught:
            await desk.system(key_field="Nope").create(a_ticket())

        assert not caught.value.unknown, "a search could not settle it: each attempt would make one more"

    async def test_an_unknown_queue_is_named(self, desk: Desk) -> None:
        system = desk.system(queue="No such/queue")
        with pytest.raises(PermanentError, match="queue 'No such/queue' does not exist"):
            await system.ping()
        with pytest.raises(PermanentError, match="No permission to create tickets"):
            await system.create(a_ticket())

    async def test_a_wrong_token_is_told_but_not_shown(self, desk: Desk) -> None:
        system = desk.system(token=f"1-14-{uuid4().hex}")
        with pytest.raises(PermanentError) as caught:
            await system.ping()

        assert caught.value.reason is Reason.AUTHENTICATION
        assert "1-14-" not in str(caught.value)

    async def test_states_of_work_read_back(self, desk: Desk) -> None:
        system, ticket = desk.system(), a_ticket()
        ref = await system.create(ticket)
        read = [(await system.read(ref)).state]
        for state in (TicketState.IN_PROGRESS, TicketState.ON_HOLD):
            changed = msgspec.structs.replace(ticket, version=2, state=state)
            await system.update(ref, changed, TicketAction.TRANSITION)
            read.append((await system.read(ref)).state)

        assert read == [TicketState.OPEN, TicketState.IN_PROGRESS, TicketState.ON_HOLD]

    async def test_a_ticket_that_went_into_another_reads_so(self, desk: Desk) -> None:
        system = desk.system()
        ref, other = await system.create(a_ticket()), await system.create(a_ticket())
        await desk.call("PUT", f"/ticket/{ref.id}", {"MergeInto": int(other.id)})
        await desk.call("PUT", f"/ticket/{other.id}", {"Status": "deleted"})

        assert (await system.read(ref)).merged_into == other.id
        assert (await system.read(other)).is_deleted
        assert (await system.read(TicketRef("99999"))).is_deleted

    async def test_a_problem_has_its_queue_and_is_linked(self, desk: Desk) -> None:
        system = desk.system(problem_queue="Problems", fields={"CF.Service": "{{ service }}"})
        problem, ref = await system.create(a_ticket(kind=TicketKind.PROBLEM)), await system.create(a_ticket())
        for _ in range(2):
            await system.link(ref, problem, LinkKind.CAUSED_BY)
            await system.link(ref, problem, LinkKind.CHILD_OF)
        await system.comment(ref, Note("1", "a <b>known</b> error"))
        fields = (await desk.call("GET", f"/ticket/{ref.id}"))["CustomFields"]

        assert ["checkout"] in [field["values"] for field in fields]
        assert "a <b>known</b> error" in (await desk.look(ref)).text

    async def test_a_poll_sees_what_changed_in_all_our_queues(self, desk: Desk) -> None:
        system = desk.system(problem_queue="Problems")
        begun = await system.poll("")
        problem, ref = await system.create(a_ticket(kind=TicketKind.PROBLEM)), await system.create(a_ticket())
        await desk.call("PUT", f"/ticket/{ref.id}", {"Status": "resolved", "Priority": 100})
        seen = {one.id: one for one in (await system.poll(begun.cursor)).seen}

        assert seen[problem.id].state is TicketState.OPEN
        assert (seen[ref.id].state, seen[ref.id].priority) == (TicketState.RESOLVED, Priority.P1)

    async def test_text_of_a_message_is_what_was_written(self, desk: Desk) -> None:
        """Neither stripped nor read as HTML."""
        ref = await desk.system().create(a_ticket(description="a <b>bold</b>\x00 claim\r\n\tend"))

        assert "a <b>bold</b> claim\n\tend" in (await desk.look(ref)).text


NEWS: list[tuple[TicketAction, dict[str, Any]]] = [
    (TicketAction.UPDATE, {"version": 2, "description": "second", "title": "new"}),
    (TicketAction.UPDATE, {"version": 3, "description": "third", "priority": Priority.P1}),
    (TicketAction.RESOLVE, {"version": 4, "description": "fourth", "state": TicketState.RESOLVED}),
]


class TestFakeRequestTracker(RequestTrackerContract):
    @pytest.fixture
    async def desk(self) -> AsyncIterator[Desk]:
        async with serving(fake.FakeRT().app()) as url, desk_at(url, fake.TOKEN) as desk:
            yield desk


if real.is_expected():

    @pytest.mark.services
    @pytest.mark.xdist_group("request_tracker")
    class TestRealRequestTracker(RequestTrackerContract):
        @pytest.fixture
        async def desk(self, request_tracker: real.RequestTracker) -> AsyncIterator[Desk]:
            async with desk_at(request_tracker.url, request_tracker.token) as desk:
                yield desk

        async def test_the_scrip_of_the_guide_tells_what_people_do(
            self, desk: Desk, request_tracker: real.RequestTracker
        ) -> None:
            system = desk.system(callback_secret=real.SECRET)
            seen: list[TicketSeen] = []

            async def listen(request: web.Request) -> web.Response:
                headers = {name.lower(): value for name, value in request.headers.items()}
                seen.extend(await system.callback(Callback(await request.read(), 0, headers)))
                return web.Response()

            app = web.Application()
            app.router.add_post("/callback/rt", listen)
            async with TestServer(app, host="127.0.0.1", port=request_tracker.hook):
                ref = await system.create(a_ticket())
                message = {"Content": "looking into it", "ContentType": "text/plain"}
                await desk.call("POST", f"/ticket/{ref.id}/comment", message)
                await desk.call("PUT", f"/ticket/{ref.id}", {"Status": "resolved"})

            assert {one.id for one in seen} == {ref.id}
            assert seen[-1].state is TicketState.RESOLVED
            assert seen[-1].actor == "tocsin"
            assert ["looking into it"] in [[comment.text for comment in one.comments] for one in seen]


class TestRequestTrackerTroubles(HttpTicketContract):
    @pytest.fixture
    def speak_to(self) -> SpeakTo:
        return plain


def plain(http: Http, url: str) -> TicketSystem:
    return config(url, timeout=SHORT).build(http)


async def test_a_hit_that_has_another_key_is_not_ours() -> None:
    """As a tool would answer that ignores the query."""
    field = '{"name": "ExternalID", "values": ["x"]}'
    body = f'{{"items": [{{"id": "1", "Status": "open", "CustomFields": [{field}]}}]}}'
    async with speaking(plain, broken_app(Trouble(body=body))) as system:
        assert await system.find("abc") is None


async def test_an_address_without_an_rt_is_not_taken_for_no_ticket() -> None:
    async with speaking(plain, broken_app(Trouble(404))) as system:
        with pytest.raises(PermanentError) as caught:
            await system.find("abc")

    assert caught.value.reason is Reason.NOT_FOUND


async def test_trouble_after_a_create_tells_that_the_ticket_may_be_there() -> None:
    rt = fake.FakeRT()
    app = rt.app()

    @web.middleware
    async def no_reads(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request) if request.method == "POST" else web.Response(status=500)

    app.middlewares.append(no_reads)
    async with serving(app) as url, desk_at(url, fake.TOKEN) as desk:
        with pytest.raises(TemporaryError) as caught:
            await desk.system().create(a_ticket())

    assert caught.value.unknown
    assert len(rt.tickets) == 1


def test_a_new_ticket_is_all_that_rt_needs() -> None:
    settings = config("https://rt.example", impact_field="Impact", priorities={"P2": 90})

    assert to_new(settings, a_ticket("a1b2", title="down\nnow")) == {
        "Queue": "Incidents",
        "Subject": "down now",
        "Priority": 90,
        "CustomFields": {"ExternalID": "a1b2", "Impact": "high"},
        "Content": "3 alerts of checkout\n\nhttp://tocsin.example/incidents/1",
        "ContentType": "text/plain",
    }


def test_the_link_is_not_repeated() -> None:
    ticket = a_ticket(description="see http://tocsin.example/incidents/1")

    assert to_message(ticket)["Content"] == "see http://tocsin.example/incidents/1"


def test_a_long_title_is_cut_to_what_rt_keeps() -> None:
    assert len(subject("word " * 100)) <= 200
    assert subject("word " * 100).endswith("word…")


def test_only_what_differs_is_written() -> None:
    settings = config("https://rt.example", urgency_field="Urgency")
    row = Row(1, "open", [CustomField("Urgency", ["low"])], subject="checkout is down", priority="75")

    assert to_changes(settings, a_ticket(), TicketAction.UPDATE, row) == {
        "CustomFields": {"Urgency": "medium"}
    }
    assert to_changes(settings, a_ticket(urgency=Level.LOW), TicketAction.RESOLVE, row) == {
        "Status": "resolved"
    }


def test_a_site_may_name_more_closed_states() -> None:
    settings = config("https://rt.example", closed=["rejected", "duplicate"])

    assert state_in(settings, "duplicate") is TicketState.CLOSED
    assert state_in(settings, "our own") is None


@pytest.mark.parametrize(
    "mistake", [{"key_field": "a} OR id > 0"}, {"priorities": {"P9": 1}}, {"priorities": {"P1": 101}}]
)
def test_a_mistake_in_the_settings_is_refused(mistake: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        config("https://rt.example", **mistake)
