"""Merge, split, move: where alerts belong afterwards, whatever comes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from correlation.flap_rules import FlapRule
from correlation.rules import CorrelationRules, GroupRule
from correlation.state import incident_record, timeline_log
from domain.alert import AlertRecord, Phase
from domain.commands import Action, Close, Merge, Move, Reopen, Resolve, Split
from domain.events import OperatorAsked, TicketReported
from domain.incident import Incident, Relation, RelationKind, TicketRef, TimelineEntry
from domain.ticket import TicketAction
from tests.builders import DAY, HOUR, MINUTE, NOON, SECOND, correlation_core, firing, received, resolved
from tests.core import Core

LATER = NOON + MINUTE


def home(core: Core, record: AlertRecord) -> Incident:
    """The incident that an alert belongs to, in the end."""
    found = core.get(incident_record(record.incident))
    while found.merged_into:
        found = core.get(incident_record(found.merged_into))
    assert isinstance(found, Incident)
    return found


def two(rules: CorrelationRules | None = None) -> tuple[Core, str, str]:
    """A shard with incidents of checkout (a, b) and of cart (c)."""
    core = correlation_core(rules)
    core.tell(received(firing("a"), firing("b"), firing("c", service="cart")))
    by_service = {each.service: each.id for each in core.all(Incident)}
    return core, by_service["checkout"], by_service["cart"]


def ask(core: Core, action: Action, at: int = LATER) -> None:
    core.tell(OperatorAsked(at, "alice", "same cause", action))


def refusal(core: Core, incident: str) -> str:
    said = core.logs[timeline_log(incident)][-1]
    assert isinstance(said, TimelineEntry)
    assert said.verdict == "operator_refused"
    return said.reason


def test_a_merged_incident_is_over_and_the_other_counts_its_alerts() -> None:
    core, checkout, cart = two()

    ask(core, Merge(checkout, cart))

    source, target = core.get(incident_record(checkout)), core.get(incident_record(cart))
    assert (source.is_open, source.merged_into, sum(source.firing)) == (False, cart, 0)
    assert (target.alerts, sum(target.firing), target.services) == (3, 3, ("cart", "checkout"))
    assert target.related == (Relation(RelationKind.MERGED, checkout),)


def test_the_people_at_its_tickets_are_told_where_it_went() -> None:
    core, checkout, cart = two()
    core.tell(TicketReported(cart, "noc", NOON, TicketAction.CREATE, "open", 1, TicketRef("17")))

    ask(core, Merge(checkout, cart))

    notes = core.get(incident_record(checkout)).notes
    assert notes[-1].text == f"Merged into incident {cart} (noc 17) by alice: same cause"


def test_what_alerts_of_a_merged_incident_say_later_counts_there() -> None:
    """Resolves, another severity, firing again, and new ones of its group."""
    core, checkout, cart = two()
    ask(core, Merge(checkout, cart))

    core.tell(received(resolved("a"), at=LATER + MINUTE))
    assert sum(core.get(incident_record(cart)).firing) == 2
    core.tell(received(firing("new"), at=LATER + 5 * HOUR))
    assert core.outcomes()["joined"] == 2
    assert sum(core.get(incident_record(cart)).firing) == 3
    core.tell(received(resolved("b"), resolved("new"), resolved("c", service="cart"), at=LATER + 6 * HOUR))
    assert not core.get(incident_record(cart)).is_open
    assert sum(core.get(incident_record(checkout)).firing) == 0


def test_silent_alerts_of_a_merged_incident_end_the_other() -> None:
    core, checkout, cart = two()
    ask(core, Merge(checkout, cart))

    for hour in range(26):
        core.pass_time(NOON + hour * HOUR)
        for minute in range(60):
            core.pass_time(NOON + hour * HOUR + minute * MINUTE)

    assert not core.get(incident_record(cart)).is_open


def test_a_merged_incident_is_kept_as_long_as_the_other() -> None:
    """Its record is the way that its alerts take."""
    core, checkout, cart = two()
    ask(core, Merge(checkout, cart))
    again = [firing("a"), firing("b"), firing("c", service="cart")]
    for day in range(31):
        core.tell(received(*again, at=NOON + day * DAY + HOUR))
        for hour in range(0, 24, 12):
            core.pass_time(NOON + day * DAY + hour * HOUR)

    core.tell(received(*again, at=NOON + 32 * DAY))
    assert core.records[incident_record(checkout)] is not None


def test_split_alerts_are_another_incident_and_stay_there() -> None:
    core, checkout, _ = two()

    ask(core, Split(checkout, ("prom/a",)))

    (new,) = [each for each in core.all(Incident) if each.opened_at == LATER]
    assert (new.lead.key, sum(new.firing), new.alerts) == ("prom/a", 1, 1)
    assert new.related == (Relation(RelationKind.SPLIT_FROM, checkout),)
    left = core.get(incident_record(checkout))
    assert (sum(left.firing), left.alerts) == (1, 1)

    core.tell(received(resolved("a"), at=LATER + MINUTE))
    assert not core.get(incident_record(new.id)).is_open
    core.tell(received(firing("a", starts_at=LATER + 2 * MINUTE), at=LATER + 2 * MINUTE))
    assert core.get(incident_record(new.id)).is_open
    core.tell(received(firing("d"), at=LATER + 3 * MINUTE))
    assert core.get("alert:prom/d").incident == checkout


def test_moved_alerts_count_in_the_other() -> None:
    core, checkout, cart = two()

    ask(core, Move(checkout, cart, ("prom/a", "prom/b")))

    source, target = core.get(incident_record(checkout)), core.get(incident_record(cart))
    assert (source.is_open, source.alerts, target.alerts, sum(target.firing)) == (False, 0, 3, 3)


@pytest.mark.parametrize("merged", [True, False])
def test_what_flaps_goes_along(merged: bool) -> None:
    """The other incident is held open by it, and ends when it has calmed down."""
    flappy = GroupRule("by-service", ("service",), flapping=FlapRule(changes=3))
    core, checkout, cart = two(CorrelationRules((flappy,)))
    for step in range(5):
        at = NOON + (2 * step + 1) * SECOND
        said = firing("a", starts_at=at) if step % 2 else resolved("a", starts_at=at, ends_at=at)
        core.tell(received(said, at=at))
    assert core.get("alert:prom/a").phase is Phase.FLAPPING

    ask(core, Merge(checkout, cart) if merged else Move(checkout, cart, ("prom/a",)), LATER)
    assert (core.get(incident_record(checkout)).flapping, core.get(incident_record(cart)).flapping) == (0, 1)
    for name, service in (("a", "checkout"), ("b", "checkout"), ("c", "cart")):
        core.tell(
            received(resolved(name, service=service, starts_at=LATER, ends_at=LATER), at=LATER + SECOND)
        )
    for minute in range(3 * 60):
        core.pass_time(LATER + minute * MINUTE)

    for incident in core.all(Incident):
        assert (incident.is_open, sum(incident.firing), incident.flapping) == (False, 0, 0)


@pytest.mark.parametrize(
    ("before", "action", "reason"),
    [
        ((), Merge("CHECKOUT", "feed"), "there is no incident feed"),
        ((), Merge("CHECKOUT", "CHECKOUT"), "are the same"),
        ((Close("CART"),), Merge("CHECKOUT", "CART"), "is closed, which is final"),
        ((Resolve("CART"),), Merge("CHECKOUT", "CART"), "is resolved; reopen it first"),
        ((Merge("CHECKOUT", "CART"),), Merge("CHECKOUT", "CART"), "it was merged into"),
        ((Merge("CHECKOUT", "CART"),), Reopen("CHECKOUT"), "it was merged into"),
        ((Merge("CART", "CHECKOUT"),), Merge("CHECKOUT", "CART"), "was merged into"),
        ((), Split("CHECKOUT", ("prom/c",)), "not all of these are alerts of it"),
        ((), Move("CHECKOUT", "CART", ("prom/a", "prom/x")), "not all of these are alerts of it"),
    ],
)
def test_what_makes_no_sense_is_refused(before: tuple[Action, ...], action: Action, reason: str) -> None:
    """The reason is on the timeline, and nothing changes."""
    core, checkout, cart = two()
    names = {"CHECKOUT": checkout, "CART": cart}

    def named(one: Action) -> Action:
        given = {
            key: names.get(getattr(one, key), getattr(one, key))
            for key in ("incident", "into")
            if hasattr(one, key)
        }
        return replace(one, **given)

    for each in before:
        ask(core, named(each))
    core.pass_time(LATER + MINUTE)
    kept = core.all(Incident)
    ask(core, named(action), LATER + MINUTE)

    assert reason in refusal(core, checkout)
    assert core.all(Incident) == kept


class Regroupings(RuleBasedStateMachine):
    """Alerts come and go while operators merge, split and move."""

    def __init__(self) -> None:
        super().__init__()
        self.core = correlation_core(CorrelationRules(close_after=6 * HOUR))
        self.now = NOON

    @rule(
        name=st.sampled_from("ab"),
        service=st.sampled_from(("cart", "search", "checkout")),
        minutes=st.integers(0, 90),
    )
    def fires(self, name: str, service: str, minutes: int) -> None:
        self.now += minutes * MINUTE
        self.core.tell(
            received(firing(f"{name}-{service}", service=service, starts_at=self.now), at=self.now)
        )

    @rule(name=st.sampled_from("ab"), service=st.sampled_from(("cart", "search", "checkout")))
    def ends(self, name: str, service: str) -> None:
        self.now += MINUTE
        over = resolved(f"{name}-{service}", service=service, starts_at=self.now, ends_at=self.now)
        self.core.tell(received(over, at=self.now))

    @rule(one=st.integers(0, 5), other=st.integers(0, 5), kind=st.sampled_from((Resolve, Reopen, Close)))
    def says(self, one: int, other: int, kind: type[Resolve | Reopen | Close]) -> None:
        if other == 0:
            self.ask(one, lambda incident, _: kind(incident))

    @rule(one=st.integers(0, 5), other=st.integers(0, 5))
    def merges(self, one: int, other: int) -> None:
        self.ask(one, lambda incident, ids: Merge(incident, ids[other % len(ids)]))

    @rule(one=st.integers(0, 5), keys=st.sets(st.integers(0, 5), min_size=1, max_size=2))
    def splits(self, one: int, keys: set[int]) -> None:
        alerts = self.keys(keys)
        self.ask(one, lambda incident, _: Split(incident, alerts))

    @rule(
        one=st.integers(0, 5),
        other=st.integers(0, 5),
        keys=st.sets(st.integers(0, 5), min_size=1, max_size=2),
    )
    def moves(self, one: int, other: int, keys: set[int]) -> None:
        alerts = self.keys(keys)
        self.ask(one, lambda incident, ids: Move(incident, ids[other % len(ids)], alerts))

    def keys(self, places: set[int]) -> tuple[str, ...]:
        known = [each.key for each in self.core.all(AlertRecord)]
        return tuple(known[place] for place in sorted(places) if place < len(known)) or ("none",)

    def ask(self, place: int, make: Callable[[str, list[str]], Action]) -> None:
        ids = [each.id for each in self.core.all(Incident)]
        if ids:
            self.now += MINUTE
            ask(self.core, make(ids[place % len(ids)], ids), self.now)

    @invariant()
    def each_alert_counts_where_it_belongs(self) -> None:
        """Exactly one incident counts it, and what was merged or closed never counts anew."""
        homes = [
            (home(self.core, each).id, each.fires) for each in self.core.all(AlertRecord) if each.incident
        ]
        for incident in self.core.all(Incident):
            fires = sum(fire for id_, fire in homes if id_ == incident.id)
            assert sum(incident.firing) == fires
            assert not (incident.merged_into and incident.is_open)
            assert (("incidents.open", incident.id) in self.core.index) is incident.is_open

    def teardown(self) -> None:
        """Once all alerts are over, all incidents are, but those that a person opened again."""
        for record in self.core.all(AlertRecord):
            self.now += MINUTE
            alert = record.alert
            over = resolved(alert.name, service=alert.service, starts_at=self.now, ends_at=self.now)
            self.core.tell(received(over, at=self.now))
        for incident in self.core.all(Incident):
            assert sum(incident.firing) == 0
            assert not incident.is_open or incident.notes


Regroupings.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestRegroupings = Regroupings.TestCase
