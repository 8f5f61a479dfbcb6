"""Random commands, given to a StateStore and to a model of plain dicts; both must answer alike.

In the manner of fakeredis' tests. The machine is synchronous, so it runs in a thread and hands each call to
the loop that the store lives on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from domain.errors import Fenced
from domain.ports import Commit, Entry, Message, StateStore, Timer

T = TypeVar("T")

NAMES = st.sampled_from(["a", "b", "c", "é", "{a}"])
MOMENTS = st.integers(-3, 12)
SCORES = st.sampled_from([-1e9, -1.5, -0.1, 0.0, 0.1, 0.2, 0.30000000000000004, 1.0, 1_732_000_000_123.0])
BYTES = st.binary(max_size=4)
MESSAGES = st.builds(Message, NAMES, st.integers(0, 99), BYTES, st.integers(0, 9))
COMMITS = st.builds(
    Commit,
    records=st.dictionaries(NAMES, st.none() | BYTES, max_size=3),
    timers=st.dictionaries(NAMES, st.none() | MOMENTS, max_size=3),
    index=st.dictionaries(st.tuples(NAMES, NAMES), st.none() | SCORES, max_size=4),
    lines=st.lists(st.tuples(NAMES, BYTES), max_size=3),
    dropped_logs=st.lists(NAMES, max_size=1),
    counters=st.dictionaries(NAMES, st.integers(-5, 5), max_size=3),
    outbox=st.lists(st.tuples(NAMES, MESSAGES), max_size=3),
)
SETTINGS = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)


class Model:
    """A shard as a few plain dicts: the port in its simplest form."""

    def __init__(self) -> None:
        self.records: dict[str, bytes] = {}
        self.timers: dict[str, int] = {}
        self.index: dict[tuple[str, str], float] = {}
        self.logs: dict[str, list[bytes]] = {}
        self.counters: dict[str, int] = {}
        self.outbox: list[tuple[str, Message]] = []

    def commit(self, commit: Commit) -> None:
        _merge(self.records, commit.records)
        _merge(self.timers, commit.timers)
        _merge(self.index, commit.index)
        for log in commit.dropped_logs:
            self.logs.pop(log, None)
        for log, line in commit.lines:
            self.logs.setdefault(log, []).append(line)
        for name, count in commit.counters.items():
            self.counters[name] = self.counters.get(name, 0) + count
        self.outbox = self.outbox[commit.sent :] + commit.outbox

    def due(self, until: int) -> list[Timer]:
        timers = [Timer(id_, due) for id_, due in self.timers.items() if due <= until]
        return sorted(timers, key=lambda timer: (timer.due, timer.id))

    def scan(self, index: str, after: Entry | None, *, newest: bool) -> list[Entry]:
        entries = [Entry(score, member) for (name, member), score in self.index.items() if name == index]
        entries.sort(key=_place, reverse=newest)
        if after is None:
            return entries
        return [one for one in entries if (_place(one) < _place(after)) == newest and one != after]


def _merge(into: dict[Any, Any], changes: dict[Any, Any]) -> None:
    into.update(changes)
    for key in [key for key, value in changes.items() if value is None]:
        del into[key]


def _place(entry: Entry) -> tuple[float, str]:
    return entry.score, entry.member


class StoreMachine(RuleBasedStateMachine):
    """One shard of the store beside one model."""

    def __init__(self, store: StateStore, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.store, self.loop = store, loop
        self.shard = f"machine.{uuid4().hex}"
        self.model = Model()
        self.epoch = self.old_epoch = -1

    def wait(self, call: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(call, self.loop).result(30)

    @initialize()
    def begin(self) -> None:
        self.epoch = self.wait(self.store.claim(self.shard))

    @rule()
    def claim(self) -> None:
        self.old_epoch, self.epoch = self.epoch, self.wait(self.store.claim(self.shard))
        assert self.epoch > self.old_epoch

    @rule(commit=COMMITS, sent=st.integers(0, 4))
    def commit(self, commit: Commit, sent: int) -> None:
        commit.sent = min(sent, len(self.model.outbox))
        self.model.commit(commit)
        earliest = self.wait(self.store.commit(self.shard, self.epoch, commit))
        assert earliest == min(self.model.timers.values(), default=None)

    @rule(commit=COMMITS)
    def commit_under_an_old_epoch(self, commit: Commit) -> None:
        with pytest.raises(Fenced):
            self.wait(self.store.commit(self.shard, self.old_epoch, commit))

    @rule(keys=st.lists(NAMES, max_size=6))
    def load(self, keys: list[str]) -> None:
        assert self.wait(self.store.load(self.shard, keys)) == [self.model.records.get(key) for key in keys]

    @rule(until=MOMENTS, limit=st.integers(1, 4))
    def due(self, until: int, limit: int) -> None:
        assert self.wait(self.store.due(self.shard, until, limit)) == self.model.due(until)[:limit]

    @rule(
        index=NAMES,
        after=st.none() | st.builds(Entry, SCORES, NAMES),
        newest=st.booleans(),
        limit=st.integers(1, 5),
    )
    def scan(self, index: str, after: Entry | None, newest: bool, limit: int) -> None:
        entries = self.wait(self.store.scan(self.shard, index, limit=limit, after=after, newest=newest))
        assert entries == self.model.scan(index, after, newest=newest)[:limit]

    @rule(log=NAMES, start=st.integers(0, 4), limit=st.integers(1, 4))
    def lines(self, log: str, start: int, limit: int) -> None:
        lines = self.wait(self.store.lines(self.shard, log, start=start, limit=limit))
        assert lines == self.model.logs.get(log, [])[start : start + limit]

    @rule(index=NAMES)
    def size(self, index: str) -> None:
        expected = len(self.model.scan(index, None, newest=False))
        assert self.wait(self.store.size(self.shard, index)) == expected

    @rule(limit=st.integers(1, 5))
    def outbox(self, limit: int) -> None:
        assert self.wait(self.store.outbox(self.shard, limit)) == self.model.outbox[:limit]

    @invariant()
    def counters_agree(self) -> None:
        assert self.wait(self.store.counters(self.shard)) == self.model.counters
        assert self.wait(self.store.next_due(self.shard)) == min(self.model.timers.values(), default=None)


def run_machine(store: StateStore, loop: asyncio.AbstractEventLoop) -> None:
    """Run the machine in this thread, for a few seconds; *loop* runs in another."""

    class Machine(StoreMachine):
        def __init__(self) -> None:
            super().__init__(store, loop)

    run_state_machine_as_test(Machine, settings=SETTINGS)
