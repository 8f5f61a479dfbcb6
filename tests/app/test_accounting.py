"""The books add up at any moment, whoever reports late and in whatever order things are read."""

from __future__ import annotations

from collections import Counter

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from app.accounting import Account, account, largest

PRODUCERS = "abc"
SHARDS = 3
producers = st.sampled_from(PRODUCERS)


class Books(RuleBasedStateMachine):
    """Alerts on their way from producers through a broker to shards, and someone who audits meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.on_their_way: list[tuple[str, int, int]] = []
        self.unconfirmed: Counter[str] = Counter()
        self.confirmed: Counter[str] = Counter()
        self.reported: Counter[str] = Counter()
        self.dead: set[str] = set()
        self.counters: list[Counter[str]] = [Counter() for _ in range(SHARDS)]
        self.read: list[Counter[str]] = []
        self.confirmed_before = 0
        self.accepted_before = 0

    @rule(producer=producers, alerts=st.integers(1, 5), shard=st.integers(0, SHARDS - 1))
    def publish(self, producer: str, alerts: int, shard: int) -> None:
        """It is in the broker; its producer does not know yet."""
        self.on_their_way.append((producer, alerts, shard))
        self.unconfirmed[producer] += alerts

    @rule(producer=producers)
    def confirm(self, producer: str) -> None:
        self.confirmed[producer] += self.unconfirmed.pop(producer, 0)

    @rule(producer=producers)
    def report(self, producer: str) -> None:
        self.reported[producer] = max(self.reported[producer], self.confirmed[producer])

    @rule(data=st.data())
    @precondition(lambda self: self.on_their_way)
    def handle(self, data: st.DataObject) -> None:
        """One commit: alerts are handled, and each has its outcome."""
        at = data.draw(st.integers(0, len(self.on_their_way) - 1))
        producer, alerts, shard = self.on_their_way.pop(at)
        self.counters[shard][f"handled.{producer}"] += alerts
        for _ in range(alerts):
            self.counters[shard][f"outcome.{data.draw(st.sampled_from(['joined', 'duplicate']))}"] += 1

    @rule()
    @precondition(lambda self: len(self.read) < SHARDS)
    def audit_a_shard(self) -> None:
        """Counters are read one shard after the other; things go on in between."""
        if not self.read:
            self.confirmed_before = sum(self.confirmed.values())
        self.read.append(self.counters[len(self.read)].copy())

    @rule(live=st.sets(producers))
    @precondition(lambda self: len(self.read) == SHARDS)
    def audit(self, live: set[str]) -> None:
        """The reports are read last, and the totals of the producers that live in this process."""
        known = largest(self.reported, {producer: self.confirmed[producer] for producer in live})
        books = account(self.read, known)
        self.read = []
        self.check(books)
        if live == set(PRODUCERS):
            assert books.accepted >= self.confirmed_before
            assert books.accepted >= sum(self.confirmed.values())

    def check(self, books: Account) -> None:
        assert books.accepted == books.in_flight + sum(books.outcomes.values())
        assert books.in_flight >= 0
        assert books.accepted <= sum(self.confirmed.values()) + sum(self.unconfirmed.values())

    @invariant()
    def nothing_is_in_flight_when_all_is_handled(self) -> None:
        books = account(self.counters, self.reported)
        self.check(books)
        assert books.accepted >= self.accepted_before
        self.accepted_before = books.accepted
        if not self.on_their_way:
            assert books.in_flight == 0


TestBooks = Books.TestCase


def test_alerts_of_a_killed_producer_count_once_they_are_handled():
    books = account([{"handled.dead": 10, "outcome.opened": 10}], {"dead": 6})
    assert books == Account(10, 0, {"opened": 10})


def test_what_would_count_twice_shows():
    assert account([{"handled.a": 1, "outcome.opened": 2}], {"a": 1}).in_flight == -1
