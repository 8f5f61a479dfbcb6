"""A ticket is related to others of its tool, each once; where it cannot be, a note tells of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.delivery.calls import Calls
from adapters.delivery.reconcile import Pace, Standing, begun, ended, interrupted, reconcile, unlinked, wished
from adapters.delivery.state import Call, Failure, Outcome, TicketRecord
from adapters.tickets.memory import Memory
from domain.errors import Reason
from domain.incident import LinkKind, Note, TicketLink, TicketRef
from domain.ports import Capability
from domain.ticket import DesiredTicket, ObservedTicket, TicketAction, TicketState
from tests.adapters.delivery.test_calls import outcomes
from tests.adapters.delivery.test_faults import desired
from tests.builders import NOON

PACE = Pace(0, 0, comments=True, destination="noc", links=True)
PROBLEMS = [
    TicketLink(where, TicketRef(id_), LinkKind.CAUSED_BY)
    for where, id_ in (("noc", "7"), ("noc", "8"), ("x", "9"))
]


def a_record(*links: TicketLink) -> TicketRecord:
    """A ticket that is there, and is to be linked."""
    observed = ObservedTicket(TicketRef("1"), 1, TicketState.OPEN, NOON)
    return TicketRecord(replace(desired("aa", 1), links=links), "alerts.0", observed)


def called(record: TicketRecord, failure: Failure | None = None) -> TicketRecord:
    """Make the call that is due."""
    step = reconcile(record, NOON, PACE)
    assert step.action is not None
    call = Call(step.action, record.desired, TicketRef("1"), link=unlinked(record, PACE))
    return ended(begun(record, step.action, NOON), Outcome(NOON, call, TicketRef("1"), failure))


def test_each_link_of_the_destination_is_made_once() -> None:
    record, made = a_record(*PROBLEMS), []
    while reconcile(record, NOON, PACE).standing is Standing.ACT:
        made.append(unlinked(record, PACE))
        record = called(record)

    assert made == PROBLEMS[:2]


def test_a_link_that_the_tool_refuses_does_not_park_the_ticket() -> None:
    refused = Failure("no", Reason.REJECTED, permanent=True, unknown=False)
    record = called(a_record(PROBLEMS[0]), refused)

    assert (record.parked, record.failures) == ("", 0)
    assert reconcile(record, NOON, PACE).standing is Standing.IN_SYNC
    assert "no" in record.error


def test_a_link_that_fails_for_now_is_made_again() -> None:
    away = Failure("away", Reason.UNREACHABLE, permanent=False, unknown=True)
    record = called(a_record(PROBLEMS[0]), away)

    assert reconcile(record, NOON + 10_000, PACE).action is TicketAction.LINK
    assert record.observed is not None
    assert record.observed.state is TicketState.OPEN


def test_a_tool_that_can_neither_link_nor_comment_is_left_alone() -> None:
    assert reconcile(a_record(*PROBLEMS), NOON, Pace(0, 0, destination="noc")).standing is Standing.IN_SYNC


class Talker(Memory):
    """A tool that takes notes, and perhaps links."""

    def __init__(self, *capabilities: Capability) -> None:
        super().__init__()
        self.capabilities = frozenset(capabilities)
        self.done: list[str] = []

    async def comment(self, ref: TicketRef, note: Note) -> None:
        """Keep the note."""
        self.done.append(f"{ref.id}: {note.text}")

    async def link(self, ref: TicketRef, other: TicketRef, kind: LinkKind) -> None:
        """Keep the link."""
        self.done.append(f"{ref.id} {kind.value} {other.id}")


async def linked(system: Talker) -> list[str]:
    calls = Calls(system, most=2, patience=5, budget=None, clock=lambda: NOON)
    link = TicketLink("noc", TicketRef("7", "https://desk/7"), LinkKind.CAUSED_BY)
    calls.begin([Call(TicketAction.LINK, desired("aa", 1), TicketRef("1"), link=link)])
    (outcome,) = await outcomes(calls, 1)
    assert outcome.failure is None
    return system.done


async def test_a_tool_with_links_is_given_the_link() -> None:
    assert await linked(Talker(Capability.LINK, Capability.COMMENT)) == ["1 caused_by 7"]


async def test_a_tool_without_links_is_given_a_note() -> None:
    assert await linked(Talker(Capability.COMMENT)) == ["1: Problem: 7 https://desk/7"]


wishes = st.lists(st.lists(st.sampled_from(PROBLEMS), unique=True), min_size=1, max_size=5)


@given(wishes, st.lists(st.sampled_from(["done", "lost", "refused"]), max_size=30))
def test_links_settle_whatever_happens(wanted: list[list[TicketLink]], ends: list[str]) -> None:
    """In the end each link of the last wish was made or refused, and none is done again for ever."""
    record = a_record()
    fate = iter(ends)
    for version, links in enumerate(wanted, 2):
        ticket: DesiredTicket = replace(desired("aa", version), links=tuple(links))
        record = wished(record, ticket, "alerts.0") or record
        for _ in range(20):
            if reconcile(record, NOON, PACE).standing is not Standing.ACT:
                break
            match next(fate, "done"):
                case "lost":
                    record = interrupted(begun(record, TicketAction.LINK, NOON), TicketAction.LINK)
                case "refused" if reconcile(record, NOON, PACE).action is TicketAction.LINK:
                    record = called(record, Failure("no", Reason.REJECTED, permanent=True, unknown=False))
                case _:
                    record = called(record)

    ours = {link.ref.id for link in wanted[-1] if link.destination == "noc"}
    assert ours <= set(record.linked) or len(ends) > 20
