"""Two tools that both mirror an incident: whatever people do, all come to agree, and then it is quiet."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from adapters.delivery.handler import DeliveryHandler
from adapters.delivery.reconcile import Pace
from adapters.delivery.state import Breaker, Call, Outcome
from correlation.handler import CorrelationHandler
from correlation.rules import CorrelationRules
from domain.events import Event, TicketsSeen
from domain.incident import Incident, TicketRef
from domain.ticket import Comment, TicketAction, TicketSeen, TicketState
from routing.router import IncidentRouter
from routing.rules import Route, RoutingRules
from tests.builders import DAY, NOON, SECOND, firing, received, resolved
from tests.core import Core

TOOLS = ("jira", "rt")
QUIET_AFTER = 40
"""Rounds: nothing that people do may keep the tools talking to each other for longer."""


class Tool:
    """Keeps one ticket a key, and tells what it looks like after every change, also after ours."""

    def __init__(self, name: str) -> None:
        self.core = Core(DeliveryHandler(name, Pace(0, 0, comments=True, destination=name), 30 * DAY))
        self.states: dict[str, TicketState] = {}
        self.comments: dict[str, list[tuple[str, str]]] = {}
        self.transitions = 0
        """How often we changed a state."""

    def perform(self, call: Call, now: int) -> Outcome:
        """Do what is asked."""
        key = call.ticket.key
        if call.action is TicketAction.COMMENT:
            self.comments.setdefault(key, []).extend(("tocsin", note.text) for note in call.notes)
        elif call.action is TicketAction.FIND:
            return Outcome(now, call, TicketRef(key) if key in self.states else None)
        elif call.action is TicketAction.CREATE:
            self.states[key] = TicketState.OPEN
        elif call.action is not TicketAction.UPDATE:
            self.transitions += 1
            reopened = call.action is TicketAction.REOPEN
            self.states[key] = TicketState.OPEN if reopened else call.ticket.state
        return Outcome(now, call, TicketRef(key))


class Mirrors(RuleBasedStateMachine):
    """Alerts come and go; people work in both tools."""

    def __init__(self) -> None:
        super().__init__()
        router = IncidentRouter(RoutingRules(routes=(Route("all", TOOLS),)))
        self.core = Core(CorrelationHandler("alerts.0", CorrelationRules(), router))
        self.tools = {name: Tool(name) for name in TOOLS}
        self.now = NOON
        self.core.tell(received(firing("CPU"), at=self.now))
        self.settle()

    def settle(self) -> None:
        """Pass on what is said until nobody says anything more."""
        quiet = 0
        for _ in range(QUIET_AFTER):
            self.now += 2 * SECOND
            quiet = 0 if self.round() else quiet + 1
            if quiet > 1:  # what can wait a second has been said, too
                return
        raise AssertionError("they never come to rest")

    def round(self) -> bool:
        """Pass on once; tell whether there was anything."""
        busy = self._pass_on(self.core)
        self.core.pass_time(self.now)
        for tool in self.tools.values():
            tool.core.pass_time(self.now)
            calls = [action for action in tool.core.actions if not isinstance(action, Breaker)]
            tool.core.actions.clear()
            for call in calls:
                tool.core.decide([tool.perform(call, self.now)], self.now)
                self.echo(tool, call.ticket.key, "tocsin")
            busy = self._pass_on(tool.core) or busy or bool(calls)
        return busy

    def _pass_on(self, core: Core) -> bool:
        sent, core.sent = core.sent, []
        for mailbox, event in sent:
            self._core_of(mailbox).tell(event)
        return bool(sent)

    def _core_of(self, mailbox: str) -> Core:
        kind, _, name = mailbox.partition(".")
        return self.core if kind == "alerts" else self.tools[name].core

    def echo(self, tool: Tool, key: str, actor: str) -> None:
        """The tool tells how the ticket stands."""
        comments = tuple(
            Comment(str(number), author, text, self.now)
            for number, (author, text) in enumerate(tool.comments.get(key, []))
        )
        event: Event = TicketsSeen(
            self.now, [TicketSeen(key, self.now, actor, tool.states[key], comments=comments)]
        )
        tool.core.tell(event)

    @rule(name=st.sampled_from(TOOLS), state=st.sampled_from(TicketState))
    def person(self, name: str, state: TicketState) -> None:
        """Somebody changes the state of a ticket."""
        tool = self.tools[name]
        self.now += 10 * SECOND
        for key in tool.states:
            tool.states[key] = state
            self.echo(tool, key, "alice")
        before = tool.transitions
        self.settle()
        assert tool.transitions == before, "what a person did is left as it is"

    @rule(name=st.sampled_from(TOOLS))
    def comment(self, name: str) -> None:
        """Somebody writes something."""
        tool = self.tools[name]
        self.now += 10 * SECOND
        for key in tool.states:
            said = tool.comments.setdefault(key, [])
            said.append(("alice", f"word {len(said)} in {name}"))
            self.echo(tool, key, "alice")
        self.settle()

    @rule(name=st.sampled_from(("CPU", "disk")), ends=st.booleans())
    def alert(self, name: str, ends: bool) -> None:
        """The monitoring tool says something."""
        self.now += 10 * SECOND
        alert = resolved(name, starts_at=self.now - 1) if ends else firing(name, starts_at=self.now)
        self.core.tell(received(alert, at=self.now))
        self.settle()

    @invariant()
    def all_agree(self) -> None:
        """Open in one tool is open in the other, and so is the incident."""
        for incident in self.core.all(Incident):
            shown = {name: tool.states[incident.id].is_over for name, tool in self.tools.items()}
            assert set(shown.values()) == {not incident.is_open}, shown

    @invariant()
    def a_word_is_told_once_where_it_was_not_said(self) -> None:
        """Never back where it came from, and nowhere twice."""
        for name, tool in self.tools.items():
            for said in tool.comments.values():
                ours = [text for author, text in said if author == "tocsin"]
                assert len(ours) == len(set(ours))
                assert not any(f"in {name} (" in text for text in ours)


Mirrors.TestCase.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
TestMirrors = Mirrors.TestCase
