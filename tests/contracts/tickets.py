"""What a TicketSystem must do, whatever tool it speaks to.

``TicketSystemContract`` is the life of a ticket; a subclass gives the fixture ``tool``. Tests marked with
``needs`` are for tools that have the capability. What people do in a tool is in ``two_way``.
``HttpTicketContract`` is what becomes of troubles on the way; a subclass gives the fixture ``speak_to``.
The name of a subclass begins with ``Test``, so that pytest collects it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.fakes.base import Shown
from adapters.http import Http
from domain.errors import DeliveryError, PermanentError, Reason, TemporaryError
from domain.incident import TicketRef
from domain.ports import Capability, TicketSystem
from domain.priority import Level, Priority
from domain.ticket import DesiredTicket, TicketAction, TicketState
from tests.fakes.broken import Trouble, broken_app

SHORT = 0.5
"""Seconds a tool made by ``speak_to`` waits for an answer."""

MARKUP = "</pre><script>alert(1)</script> & {{x}} {code} '; DROP -- \" \\ %0d%0aX-A: b"
HOSTILE = f"{MARKUP}\r\nX-Injected: yes\r\n\r\n\tend"


@dataclass(frozen=True, slots=True)
class Tool:
    """A ticketing tool under test, and the eyes of a person in front of it."""

    system: TicketSystem
    look: Callable[[TicketRef], Awaitable[Shown]]
    priorities: Mapping[Priority, str]
    """How the tool shows each."""
    longest: int = 1_000_000
    """Characters of a description that the tool keeps."""


needs = pytest.mark.needs
"""Marks a test with the capabilities it is about."""


def a_ticket(key: str = "", **changes: object) -> DesiredTicket:
    """Make a ticket with a new key."""
    ticket = DesiredTicket(
        key=key or uuid4().hex[:16],
        version=1,
        title="checkout is down",
        description="3 alerts of checkout",
        priority=Priority.P2,
        impact=Level.HIGH,
        urgency=Level.MEDIUM,
        state=TicketState.OPEN,
        team="payments",
        service="checkout",
        labels={"environment": "production"},
        alerts=3,
        url="http://tocsin.example/incidents/1",
        opened_at=1_704_067_200_000,
    )
    return msgspec.structs.replace(ticket, **changes)


class TicketSystemContract:
    """The life of a ticket."""

    async def test_a_created_ticket_shows_what_was_asked_for(self, tool: Tool) -> None:
        shown = await tool.look(await tool.system.create(a_ticket()))

        assert shown.title == "checkout is down"
        assert "3 alerts of checkout" in shown.text
        assert shown.is_open
        assert shown.priority == tool.priorities[Priority.P2]

    @needs(Capability.FIND)
    async def test_find_agrees_with_what_create_returned(self, tool: Tool) -> None:
        ticket = a_ticket()
        ref = await tool.system.create(ticket)
        await asyncio.sleep(tool.system.search_lag)

        assert await tool.system.find(ticket.key) == ref

    @needs(Capability.FIND)
    async def test_a_key_that_was_never_used_is_not_found(self, tool: Tool) -> None:
        await tool.system.create(a_ticket())

        assert await tool.system.find(uuid4().hex[:16]) is None

    @needs(Capability.FIND)
    @pytest.mark.parametrize("near", ["{0}0", "0{0}", "{0}'", "{0}%", "%", "", "{0}' OR id > '0", "\\"])
    async def test_a_similar_key_does_not_find_another_ticket(self, tool: Tool, near: str) -> None:
        ticket = a_ticket()
        await tool.system.create(ticket)

        assert await tool.system.find(near.format(ticket.key)) is None

    @needs(Capability.FIND)
    async def test_each_ticket_is_its_own(self, tool: Tool) -> None:
        first, second = a_ticket(), a_ticket()
        refs = [await tool.system.create(first), await tool.system.create(second)]
        await asyncio.sleep(tool.system.search_lag)

        assert refs[0].id != refs[1].id
        assert [await tool.system.find(ticket.key) for ticket in (first, second)] == refs

    @needs(Capability.UPDATE)
    async def test_an_update_changes_title_and_priority(self, tool: Tool) -> None:
        ticket = a_ticket()
        ref = await tool.system.create(ticket)
        worse = msgspec.structs.replace(ticket, version=2, title="all is down", priority=Priority.P1)
        after = await tool.system.update(ref, worse, TicketAction.UPDATE)
        shown = await tool.look(ref)

        assert after == ref
        assert shown.title == "all is down"
        assert shown.priority == tool.priorities[Priority.P1]
        assert shown.is_open

    @needs(Capability.UPDATE, Capability.REOPEN)
    async def test_a_ticket_is_resolved_and_reopened(self, tool: Tool) -> None:
        ticket = a_ticket()
        ref = await tool.system.create(ticket)
        opened = []
        for version, (action, state) in enumerate(LIFE, start=2):
            changed = msgspec.structs.replace(ticket, version=version, state=state)
            await tool.system.update(ref, changed, action)
            opened.append((await tool.look(ref)).is_open)

        assert opened == [False, False, True, True, False]

    @needs(Capability.UPDATE)
    @pytest.mark.parametrize("first", [TicketState.RESOLVED, TicketState.OPEN])
    async def test_a_ticket_is_closed_for_good(self, tool: Tool, first: TicketState) -> None:
        """Where the tool knows no such state, it is over as one that is resolved; also when told twice."""
        ticket = a_ticket()
        ref = await tool.system.create(ticket)
        for version, state in enumerate((first, TicketState.CLOSED, TicketState.CLOSED), start=2):
            if state.is_over:
                changed = msgspec.structs.replace(ticket, version=version, state=state)
                ref = await tool.system.update(ref, changed, TicketAction.RESOLVE)

        assert not (await tool.look(ref)).is_open

    @needs(Capability.FIND, Capability.UPDATE, Capability.REOPEN)
    async def test_a_resolved_ticket_is_still_found(self, tool: Tool) -> None:
        ticket = a_ticket()
        ref = await tool.system.create(ticket)
        done = msgspec.structs.replace(ticket, version=2, state=TicketState.RESOLVED)
        await tool.system.update(ref, done, TicketAction.RESOLVE)
        await asyncio.sleep(tool.system.search_lag)

        assert await tool.system.find(ticket.key) == ref

    async def test_a_ticket_may_be_created_resolved(self, tool: Tool) -> None:
        ref = await tool.system.create(a_ticket(state=TicketState.RESOLVED))

        assert not (await tool.look(ref)).is_open

    @needs(Capability.UPDATE)
    async def test_a_repeated_update_is_no_error(self, tool: Tool) -> None:
        ticket = a_ticket()
        ref = await tool.system.create(ticket)
        for _ in range(2):
            await tool.system.update(ref, ticket, TicketAction.UPDATE)

        assert (await tool.look(ref)).is_open

    async def test_unicode_survives(self, tool: Tool) -> None:
        words = "Störung, отказ, 障害, 👩‍💻🔥, עברית"
        shown = await tool.look(await tool.system.create(a_ticket(title=words, description=words)))

        assert shown.title == words
        assert words in shown.text

    async def test_a_description_of_64_kb_survives(self, tool: Tool) -> None:
        long = "".join(f"line {number} of a long story: é\n" for number in range(2_500))
        shown = await tool.look(await tool.system.create(a_ticket(description=long)))

        assert len(long.encode()) > 64_000
        kept = long.rstrip() if len(long) <= tool.longest else long[: tool.longest // 2]
        assert kept in shown.text

    async def test_hostile_text_stays_text(self, tool: Tool) -> None:
        ticket = a_ticket(title=HOSTILE, description=HOSTILE, team=HOSTILE, service=HOSTILE)
        ref = await tool.system.create(msgspec.structs.replace(ticket, labels={HOSTILE: HOSTILE}))
        await tool.system.update(ref, ticket, TicketAction.UPDATE)
        shown = await tool.look(ref)

        assert MARKUP in shown.title
        assert MARKUP in shown.text

    @needs(Capability.PING)
    async def test_a_ping_is_answered(self, tool: Tool) -> None:
        await tool.system.ping()

    async def test_closing_twice_is_safe(self, tool: Tool) -> None:
        await tool.system.close()
        await tool.system.close()


LIFE = [
    (TicketAction.RESOLVE, TicketState.RESOLVED),
    (TicketAction.RESOLVE, TicketState.RESOLVED),
    (TicketAction.REOPEN, TicketState.OPEN),
    (TicketAction.REOPEN, TicketState.OPEN),
    (TicketAction.RESOLVE, TicketState.RESOLVED),
]

SpeakTo = Callable[[Http, str], TicketSystem]
"""Makes the ticket system for the tool at an address, with ``SHORT`` as its time-out."""
Break = Callable[[Trouble], web.Application]
"""Makes the tool's server, in trouble."""

# What the tool answers → the error, its reason, and whether a create may have been done all the same.
TROUBLES: dict[str, tuple[Trouble, type[DeliveryError], Reason, bool]] = {
    "401": (Trouble(401), PermanentError, Reason.AUTHENTICATION, False),
    "403": (Trouble(403), PermanentError, Reason.AUTHENTICATION, False),
    "404": (Trouble(404), PermanentError, Reason.NOT_FOUND, False),
    "409": (Trouble(409), TemporaryError, Reason.CONFLICT, False),
    "422": (Trouble(422), PermanentError, Reason.REJECTED, False),
    "429": (Trouble(429, headers={"Retry-After": "7"}), TemporaryError, Reason.RATE_LIMITED, False),
    "500": (Trouble(500), TemporaryError, Reason.SERVER_ERROR, True),
    "503": (Trouble(503), TemporaryError, Reason.SERVER_ERROR, True),
    "moved": (Trouble(302, headers={"Location": "/elsewhere"}), PermanentError, Reason.REJECTED, False),
    "hang": (Trouble(hang=True), TemporaryError, Reason.TIMEOUT, True),
    "drop": (Trouble(drop=True), TemporaryError, Reason.UNREACHABLE, True),
    "a page": (Trouble(body="<h1>Maintenance</h1>"), TemporaryError, Reason.BAD_ANSWER, True),
    "cut short": (Trouble(body='{"id": "1'), TemporaryError, Reason.BAD_ANSWER, True),
    "nothing": (Trouble(body=""), PermanentError, Reason.BAD_ANSWER, True),
    "no id": (Trouble(body='{"ok": true}'), PermanentError, Reason.BAD_ANSWER, True),
    "a list": (Trouble(body="[1]"), PermanentError, Reason.BAD_ANSWER, True),
    "an odd id": (Trouble(body='{"id": {"a": 1}}'), PermanentError, Reason.BAD_ANSWER, True),
}


class HttpTicketContract:
    """What becomes of troubles on the way."""

    @pytest.fixture
    def broken(self) -> Break:
        """Give what makes the tool in trouble: a login that comes before all else still works, if there is one."""
        return broken_app

    @pytest.mark.parametrize("name", TROUBLES)
    async def test_a_create_that_meets_trouble(self, speak_to: SpeakTo, broken: Break, name: str) -> None:
        trouble, kind, reason, unknown = TROUBLES[name]
        async with speaking(speak_to, broken(trouble)) as system:
            with pytest.raises(kind) as caught:
                await system.create(a_ticket())

        assert caught.value.reason is reason
        assert caught.value.unknown is unknown

    @needs(Capability.FIND)
    @pytest.mark.parametrize("name", sorted(TROUBLES.keys() - {"404"}))
    async def test_a_find_that_meets_trouble_never_says_that_there_is_none(
        self, speak_to: SpeakTo, broken: Break, name: str
    ) -> None:
        trouble, kind, reason, _ = TROUBLES[name]
        async with speaking(speak_to, broken(trouble)) as system:
            with pytest.raises(kind) as caught:
                await system.find("abc")

        assert caught.value.reason is reason
        assert not caught.value.unknown

    @needs(Capability.UPDATE)
    @pytest.mark.parametrize("name", ["401", "404", "429", "500", "hang", "drop"])
    async def test_an_update_that_meets_trouble(self, speak_to: SpeakTo, broken: Break, name: str) -> None:
        trouble, kind, reason, _ = TROUBLES[name]
        async with speaking(speak_to, broken(trouble)) as system:
            with pytest.raises(kind) as caught:
                await system.update(TicketRef("1"), a_ticket(), TicketAction.UPDATE)

        assert caught.value.reason is reason

    @needs(Capability.PING)
    @pytest.mark.parametrize("name", ["401", "429", "500", "hang", "a page"])
    async def test_a_ping_that_meets_trouble(self, speak_to: SpeakTo, broken: Break, name: str) -> None:
        trouble, kind, reason, _ = TROUBLES[name]
        async with speaking(speak_to, broken(trouble)) as system:
            with pytest.raises(kind) as caught:
                await system.ping()

        assert caught.value.reason is reason

    async def test_the_time_to_wait_is_passed_on(self, speak_to: SpeakTo, broken: Break) -> None:
        async with speaking(speak_to, broken(TROUBLES["429"][0])) as system:
            with pytest.raises(TemporaryError) as caught:
                await system.create(a_ticket())

        assert caught.value.retry_after == 7.0

    async def test_a_refused_connection_was_surely_not_sent(
        self, speak_to: SpeakTo, unused_tcp_port: int
    ) -> None:
        http = Http()
        with pytest.raises(TemporaryError) as caught:
            await speak_to(http, f"http://127.0.0.1:{unused_tcp_port}").create(a_ticket())
        await http.close()

        assert caught.value.reason is Reason.UNREACHABLE
        assert not caught.value.unknown


@asynccontextmanager
async def speaking(speak_to: SpeakTo, app: web.Application) -> AsyncIterator[TicketSystem]:
    """Serve *app* and give what speaks to it."""
    async with serving(app) as url:
        http = Http()
        try:
            yield speak_to(http, url)
        finally:
            await http.close()


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """Serve *app* on a free port; gives its address."""
    server = TestServer(app)
    await server.start_server(shutdown_timeout=0.1)
    try:
        yield str(server.make_url("")).rstrip("/")
    finally:
        await server.close()
