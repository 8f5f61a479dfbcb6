"""What a TicketSystem must do with what people do in the tool, and with the tool's own troubles.

A subclass gives the fixtures ``fake`` and ``desk``. Tests marked with ``deed`` are for fakes that can do it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from adapters.fakes.base import Deed, Fake
from domain.errors import CallbackRefused, PermanentError, Reason, TemporaryError
from domain.incident import TicketRef
from domain.ports import Callback, Capability, LinkKind, TicketSystem
from domain.priority import Priority
from domain.ticket import Note, TicketAction, TicketSeen, TicketState
from tests.contracts.tickets import MARKUP, a_ticket, needs

deed = pytest.mark.deed
"""Marks a test with the fields of ``Deed`` it is about."""
NOW = 1_772_000_000_000
WORKING = (TicketState.ACKNOWLEDGED, TicketState.IN_PROGRESS, TicketState.ON_HOLD)


@dataclass(frozen=True, slots=True)
class Desk:
    """A tool, its adapter, and the adapter as it is with wrong credentials."""

    fake: Fake
    system: TicketSystem
    stranger: TicketSystem
    templated: TicketSystem
    """With ``fields`` that set the fake's extra field."""


class TwoWayContract:
    """Both directions."""

    @needs(Capability.COMMENT)
    async def test_a_note_is_shown_as_it_is(self, desk: Desk) -> None:
        ref = await desk.system.create(a_ticket())
        await desk.system.comment(ref, Note("1", f"priority is P1 now {MARKUP}"))
        comments = desk.fake.look(ref.id).comments

        assert any(f"priority is P1 now {MARKUP}" in text for text in comments)

    @needs(Capability.LINK)
    async def test_a_link_may_be_made_twice(self, desk: Desk) -> None:
        child, parent = await desk.system.create(a_ticket()), await desk.system.create(a_ticket())
        for _ in range(2):
            await desk.system.link(child, parent, LinkKind.CHILD_OF)

        assert parent.id in desk.fake.look(child.id).links

    @needs(Capability.READ)
    async def test_a_ticket_reads_as_it_was_written(self, desk: Desk) -> None:
        ref = await desk.system.create(a_ticket())
        seen = await desk.system.read(ref)

        assert seen.id == ref.id
        assert seen.state is TicketState.OPEN
        assert seen.title in {None, "checkout is down"}

    @needs(Capability.READ, Capability.REOPEN)
    @deed("state")
    @pytest.mark.parametrize("state", [TicketState.RESOLVED, TicketState.CLOSED])
    async def test_what_a_person_finished_reads_as_over(self, desk: Desk, state: TicketState) -> None:
        ref = await desk.system.create(a_ticket())
        desk.fake.act(ref.id, Deed(state=state))
        seen = await desk.system.read(ref)

        assert seen.state is not None
        assert seen.state.is_over

    @needs(Capability.READ)
    @deed("delete")
    async def test_a_deleted_ticket_reads_as_deleted(self, desk: Desk) -> None:
        ref = await desk.system.create(a_ticket())
        desk.fake.act(ref.id, Deed(delete=True))

        assert (await desk.system.read(ref)).is_deleted

    @needs(Capability.READ)
    @deed("merge_into")
    async def test_a_merged_ticket_tells_where_it_went(self, desk: Desk) -> None:
        ref, other = await desk.system.create(a_ticket()), await desk.system.create(a_ticket())
        desk.fake.act(ref.id, Deed(merge_into=other.id))

        assert (await desk.system.read(ref)).merged_into == other.id

    @needs(Capability.READ)
    @deed("priority")
    async def test_a_persons_priority_is_read(self, desk: Desk) -> None:
        ref = await desk.system.create(a_ticket())
        desk.fake.act(ref.id, Deed(priority=Priority.P1))

        assert (await desk.system.read(ref)).priority is Priority.P1

    @needs(Capability.READ)
    @pytest.mark.parametrize("priority", Priority)
    async def test_a_priority_reads_as_it_was_written_or_as_the_adapter_says(
        self, desk: Desk, priority: Priority
    ) -> None:
        """Else our own priority would come back as that of a person."""
        ref = await desk.system.create(a_ticket(priority=priority))
        seen = await desk.system.read(ref)

        assert seen.priority in (None, desk.system.reads_as.get(priority, priority))

    @needs(Capability.READ)
    @deed("assignee")
    async def test_an_assignee_is_read(self, desk: Desk) -> None:
        ref = await desk.system.create(a_ticket())
        desk.fake.act(ref.id, Deed(assignee="bob"))

        assert "bob" in ((await desk.system.read(ref)).assignee or "")

    @needs(Capability.READ, Capability.TRANSITION)
    @pytest.mark.parametrize("state", WORKING)
    async def test_a_state_that_we_set_reads_back(self, desk: Desk, state: TicketState) -> None:
        """Tools have fewer states than we do: one that reads as another must at least not be over."""
        ticket = a_ticket()
        ref = await desk.system.create(ticket)
        await desk.system.update(ref, replace(ticket, version=2, state=state), TicketAction.TRANSITION)
        seen = await desk.system.read(ref)
        await desk.system.update(ref, replace(ticket, version=3, state=state), TicketAction.TRANSITION)

        assert seen.state is not None
        assert not seen.state.is_over
        assert (await desk.system.read(ref)).state is seen.state

    @needs(Capability.READ)
    @deed("state")
    async def test_a_plain_update_leaves_a_persons_state_alone(self, desk: Desk) -> None:
        ticket = a_ticket()
        ref = await desk.system.create(ticket)
        desk.fake.act(ref.id, Deed(state=TicketState.ACKNOWLEDGED))
        before = desk.fake.look(ref.id).state
        await desk.system.update(ref, replace(ticket, version=2, title="all is down"), TicketAction.UPDATE)

        assert desk.fake.look(ref.id).state == before

    @needs(Capability.POLL)
    @deed("state")
    async def test_a_poll_sees_what_changed_since_the_last(self, desk: Desk) -> None:
        ref = await desk.system.create(a_ticket())
        begun = await desk.system.poll("")
        desk.fake.act(ref.id, Deed(state=TicketState.RESOLVED))
        await asyncio.sleep(desk.system.search_lag)
        polled = await desk.system.poll(begun.cursor)
        again = await desk.system.poll(polled.cursor)
        last = next(seen for seen in reversed(polled.seen) if seen.id == ref.id)

        assert not begun.seen
        assert last.state is not None
        assert last.state.is_over
        assert {(seen.id, seen.at) for seen in again.seen} <= {(seen.id, seen.at) for seen in polled.seen}

    @needs(Capability.POLL)
    async def test_a_poll_of_more_than_a_page_misses_none(self, desk: Desk) -> None:
        begun = await desk.system.poll("")
        made = {(await desk.system.create(a_ticket())).id for _ in range(120)}
        found: set[str] = set()
        cursor = begun.cursor
        for _ in range(12):
            polled = await desk.system.poll(cursor)
            found.update(seen.id for seen in polled.seen)
            cursor = polled.cursor

        assert made <= found

    @needs(Capability.CALLBACK)
    @deed("state")
    async def test_a_callback_tells_how_the_ticket_stands(self, desk: Desk) -> None:
        ref = await desk.system.create(a_ticket())
        desk.fake.act(ref.id, Deed(state=TicketState.RESOLVED))
        seen = await desk.system.callback(called(desk, ref))

        assert [one.id for one in seen] == [ref.id]
        assert seen[0].state is not None
        assert seen[0].state.is_over

    @needs(Capability.CALLBACK)
    @deed("comment")
    async def test_a_callback_brings_a_persons_comment(self, desk: Desk) -> None:
        ref = await desk.system.create(a_ticket())
        desk.fake.act(ref.id, Deed(comment="looking into it"))
        (seen,) = await desk.system.callback(called(desk, ref))

        assert any("looking into it" in comment.text for comment in seen.comments)

    @needs(Capability.CALLBACK)
    @deed("state")
    async def test_a_callback_twice_says_the_same(self, desk: Desk) -> None:
        ref = await desk.system.create(a_ticket())
        desk.fake.act(ref.id, Deed(state=TicketState.RESOLVED))
        call = called(desk, ref)
        first: list[TicketSeen] = list(await desk.system.callback(call))

        assert list(await desk.system.callback(call)) == first

    @needs(Capability.CALLBACK)
    @deed("state")
    @pytest.mark.parametrize("how", ["body", "headers"])
    async def test_a_callback_that_was_tampered_with_is_refused(self, desk: Desk, how: str) -> None:
        ref = await desk.system.create(a_ticket())
        desk.fake.act(ref.id, Deed(state=TicketState.RESOLVED))
        call = called(desk, ref)
        if how == "body":
            forged = Callback(call.body.replace(b"{", b"{ ", 1), call.received_at, {})
        else:
            kept = {name: value for name, value in call.headers.items() if name == "content-type"}
            forged = Callback(call.body, call.received_at, kept)
        with pytest.raises(CallbackRefused) as caught:
            await desk.system.callback(forged)

        assert caught.value.is_forged

    @pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"{}", b'{"a": [1]}', b"[" * 5_000])
    @needs(Capability.CALLBACK)
    @deed("state")
    async def test_a_callback_of_another_shape_is_refused(self, desk: Desk, body: bytes) -> None:
        ref = await desk.system.create(a_ticket())
        desk.fake.act(ref.id, Deed(state=TicketState.RESOLVED))
        with pytest.raises(CallbackRefused):
            await desk.system.callback(Callback(body, NOW, called(desk, ref).headers))

    async def test_a_create_whose_answer_was_lost_is_unknown_and_not_done_twice(self, desk: Desk) -> None:
        """Either a search settles it, or the tool itself takes the second create for the first."""
        ticket = a_ticket()
        desk.fake.hazards.lost = 1
        with pytest.raises(TemporaryError) as caught:
            await desk.system.create(ticket)
        await asyncio.sleep(desk.system.search_lag)

        assert caught.value.unknown
        if Capability.FIND in desk.system.capabilities:
            found = await desk.system.find(ticket.key)
            assert found is not None
        elif Capability.IDEMPOTENT in desk.system.capabilities:
            await desk.system.create(ticket)
            assert len(desk.fake.ids()) == 1

    async def test_the_tools_own_way_to_ask_for_a_pause_is_heeded(self, desk: Desk) -> None:
        limited = desk.fake.limited()
        desk.fake.hazards.answers.append(limited)
        with pytest.raises(TemporaryError) as caught:
            await desk.system.create(a_ticket())

        assert caught.value.reason is Reason.RATE_LIMITED
        assert caught.value.retry_after is None or caught.value.retry_after > 0

    @pytest.mark.credentials
    @needs(Capability.PING)
    async def test_wrong_credentials_are_told_at_once(self, desk: Desk) -> None:
        with pytest.raises(PermanentError) as caught:
            await desk.stranger.ping()

        assert caught.value.reason is Reason.AUTHENTICATION

    @pytest.mark.extra_field
    async def test_any_field_can_be_set_from_a_template(self, desk: Desk) -> None:
        ref = await desk.templated.create(a_ticket())

        assert desk.fake.look(ref.id).fields[desk.fake.extra_field] == "checkout/P2"


def called(desk: Desk, ref: TicketRef) -> Callback:
    """Make the request that the tool would post of its last change."""
    headers, body = desk.fake.callback_of(ref.id)
    return Callback(body, NOW, headers)
