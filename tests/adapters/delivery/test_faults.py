"""Whatever goes wrong between us and a tool: one ticket for each incident, and in the end it shows the truth."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from adapters.delivery.handler import DeliveryHandler
from adapters.delivery.reconcile import Pace
from adapters.delivery.state import IN_FLIGHT, PARKED, PENDING, Call, Failure, Outcome
from domain.errors import Reason
from domain.events import TicketsDesired
from domain.incident import TicketRef
from domain.priority import Level, Priority
from domain.ticket import DesiredTicket, TicketAction, TicketState
from tests.builders import DAY, MINUTE, NOON, SECOND
from tests.core import Core

KEYS = ("aa", "bb")
PACE = Pace(min_interval=1 * SECOND, search_lag=2 * SECOND)


def desired(key: str, version: int, state: TicketState = TicketState.OPEN) -> DesiredTicket:
    """What a ticket should show, with all else filled in."""
    return DesiredTicket(
        key, version, f"v{version}", "", Priority.P1, Level.HIGH, Level.HIGH, state, "", "", {}, 1, "", NOON
    )


@dataclass
class Tool:
    """A ticketing tool that, like most, makes a second ticket for the same key when told to."""

    tickets: dict[str, list[DesiredTicket]] = field(default_factory=dict)

    def perform(self, call: Call) -> TicketRef | None:
        """Do what is asked."""
        key = call.ticket.key
        if call.action is TicketAction.FIND:
            return TicketRef(key) if key in self.tickets else None
        if call.action is TicketAction.CREATE:
            self.tickets.setdefault(key, []).append(desired(key, call.ticket.version))
        else:
            self.tickets[key][0] = self._written(self.tickets[key][0], call)
        return TicketRef(key)

    def _written(self, ticket: DesiredTicket, call: Call) -> DesiredTicket:
        """An update changes what is written, only a transition changes the state."""
        states = {TicketAction.UPDATE: ticket.state, TicketAction.REOPEN: TicketState.OPEN}
        return replace(call.ticket, state=states.get(call.action, call.ticket.state))


class Faults(RuleBasedStateMachine):
    """Wishes, answers, lost answers, failures and crashes in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.core = Core(DeliveryHandler("noc", PACE, 30 * DAY))
        self.tool = Tool()
        self.now = NOON
        self.version = 0
        self.wishes: dict[str, DesiredTicket] = {}
        self.late: list[Call] = []

    def calls(self) -> list[Call]:
        """The calls under way."""
        return [action for action in self.core.actions if isinstance(action, Call)]

    def end(self, call: Call, outcome: Outcome) -> None:
        """Tell the shard how a call ended."""
        self.core.actions.remove(call)
        self.core.decide([outcome], self.now)

    @rule(key=st.sampled_from(KEYS), state=st.sampled_from(TicketState))
    def wish(self, key: str, state: TicketState) -> None:
        """The incident changes."""
        self.version += 1
        self.wishes[key] = desired(key, self.version, state)
        self.core.tell(TicketsDesired(self.now, [self.wishes[key]], "alerts.0"))

    @rule(key=st.sampled_from(KEYS))
    def old_wish(self, key: str) -> None:
        """A wish comes again."""
        if key in self.wishes:
            self.core.tell(TicketsDesired(self.now, [self.wishes[key]], "alerts.0"))

    @rule(seconds=st.sampled_from((0, 1, 3, 400)))
    def time(self, seconds: int) -> None:
        """Time goes on. No call lives as long as the watchdog waits: ``Calls`` sees to that."""
        while seconds > 60 and self.calls():
            self.answer_lost()
        self.now += seconds * SECOND
        self.core.pass_time(self.now)

    @precondition(lambda self: self.calls())
    @rule()
    def answer(self) -> None:
        """The tool does what is asked, and says so."""
        call = self.calls()[0]
        self.end(call, Outcome(self.now, call, self.tool.perform(call)))

    @precondition(lambda self: self.calls())
    @rule()
    def answer_lost(self) -> None:
        """The tool does what is asked, and the answer is lost."""
        call = self.calls()[0]
        self.tool.perform(call)
        self.end(call, Outcome(self.now, call, failure=Failure("gone", Reason.TIMEOUT, False, True)))

    @precondition(lambda self: self.calls())
    @rule(unknown=st.booleans(), permanent=st.booleans())
    def refusal(self, unknown: bool, permanent: bool) -> None:
        """The tool does nothing; perhaps we cannot tell."""
        call = self.calls()[0]
        self.end(
            call, Outcome(self.now, call, failure=Failure("no", Reason.SERVER_ERROR, permanent, unknown))
        )

    @rule(done=st.booleans())
    def crash(self, done: bool) -> None:
        """The owner dies with calls under way, which the tool may or may not have seen."""
        for call in self.calls():
            if done:
                self.tool.perform(call)
        self.core.actions.clear()
        lost = [member for index, member in self.core.index if index == IN_FLIGHT]
        self.core.decide(self.core.handler.resume(lost, self.now), self.now)

    @invariant()
    def one_ticket_each(self) -> None:
        """No incident ever has a second ticket."""
        assert all(len(tickets) == 1 for tickets in self.tool.tickets.values())

    @invariant()
    def one_call_each(self) -> None:
        """Never are two calls for the same ticket under way."""
        keys = [call.ticket.key for call in self.calls()]
        assert len(keys) == len(set(keys))

    def teardown(self) -> None:
        """In the end every ticket that is not parked shows what it should, and nothing waits."""
        for _ in range(30):
            while calls := self.calls():
                self.end(calls[0], Outcome(self.now, calls[0], self.tool.perform(calls[0])))
            self.now += 5 * MINUTE
            self.core.pass_time(self.now)
        parked = {member for index, member in self.core.index if index == PARKED}
        for key in self.wishes.keys() - parked:
            (shown,) = self.tool.tickets[key]
            assert (shown.version, shown.state) == (self.wishes[key].version, self.wishes[key].state)
        assert not [member for index, member in self.core.index if index in {PENDING, IN_FLIGHT}]


TestFaults = Faults.TestCase
