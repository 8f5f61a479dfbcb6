"""What a StateStore must do, whatever it is made of.

A subclass overrides ``make_store``; its name begins with ``Test``, so that pytest collects it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest

from domain.errors import Fenced, StoreUnavailable
from domain.ports import Commit, Entry, Message, StateStore, Timer
from tests.contracts.store_machine import run_machine

MakeStore = Callable[[], Awaitable[StateStore]]
"""Each call gives a new client of the same store, as another process would have."""

FULL = Commit(
    records={"a": b"1", "b": b"2"},
    timers={"t1": 10, "t2": 20},
    index={("open", "i1"): 1.5, ("open", "i2"): -2.5},
    lines=[("log", b"first"), ("log", b"second")],
    counters={"opened": 2},
    outbox=[("tickets.noc", Message("s", 1, b"x", 1)), ("tickets.dev", Message("s", 2, b"\x00", 0))],
)
"""A commit with some of everything."""


async def snapshot(store: StateStore, shard: str) -> dict[str, Any]:
    """Read everything that FULL and what the tests put on top of it can have touched."""
    return {
        "records": await store.load(shard, ["a", "b", "c"]),
        "timers": await store.due(shard, 1_000, 100),
        "index": await store.scan(shard, "open", limit=100),
        "lines": await store.lines(shard, "log"),
        "counters": await store.counters(shard),
        "outbox": await store.outbox(shard, 100),
    }


class Claimed:
    """A shard in hand: the store, its name and epoch, so that tests read as what they do."""

    def __init__(self, store: StateStore, shard: str, epoch: int) -> None:
        self.store, self.shard, self.epoch = store, shard, epoch

    async def commit(self, **changes: Any) -> int | None:
        return await self.store.commit(self.shard, self.epoch, Commit(**changes))

    async def due(self, until: int, limit: int = 100) -> list[Timer]:
        return await self.store.due(self.shard, until, limit)

    async def scan(
        self, *, after: Entry | None = None, newest: bool = False, limit: int = 100
    ) -> list[Entry]:
        return await self.store.scan(self.shard, "i", limit=limit, after=after, newest=newest)


def scores(**members: float | None) -> dict[tuple[str, str], float | None]:
    """Name members of the index ``i``."""
    return {("i", member): score for member, score in members.items()}


class StoreContract:
    """The cases. Every test has shards of its own, so one server serves them all."""

    @pytest.fixture
    async def make_store(self) -> MakeStore:
        """Give a maker of clients, and close those made when the test is over."""
        raise NotImplementedError

    @pytest.fixture
    async def store(self, make_store: MakeStore) -> StateStore:
        return await make_store()

    @pytest.fixture
    def shard(self) -> str:
        return f"alerts.{uuid4().hex}"

    @pytest.fixture
    async def claimed(self, store: StateStore, shard: str) -> Claimed:
        return Claimed(store, shard, await store.claim(shard))

    # ---- ownership

    async def test_each_claim_raises_the_epoch(self, make_store: MakeStore, shard: str) -> None:
        """Whoever claims, from wherever, gets a larger epoch than all before."""
        one, two = await make_store(), await make_store()
        epochs = [await one.claim(shard), await two.claim(shard), await one.claim(shard)]
        assert all(earlier < later for earlier, later in pairwise(epochs))

    async def test_epochs_are_per_shard(self, store: StateStore, shard: str) -> None:
        """Claiming one shard takes nothing from the owner of another."""
        epoch = await store.claim(shard)
        await store.claim(shard + "x")
        await store.commit(shard, epoch, FULL)
        assert await store.load(shard, ["a"]) == [b"1"]

    async def test_claims_at_the_same_time_differ(self, make_store: MakeStore, shard: str) -> None:
        """No two claims give one epoch."""
        stores = [await make_store() for _ in range(3)]
        epochs = await asyncio.gather(*(store.claim(shard) for store in stores * 5))
        assert len(set(epochs)) == 15

    async def test_a_commit_under_an_old_epoch_writes_nothing(
        self, make_store: MakeStore, shard: str
    ) -> None:
        """A process that was replaced is told so, and changes not one thing."""
        one, two = await make_store(), await make_store()
        old = await one.claim(shard)
        await one.commit(shard, old, FULL)
        new = await two.claim(shard)
        before = await snapshot(one, shard)
        late = Commit(
            records={"a": None, "c": b"3"},
            timers={"t1": None, "t3": 5},
            index={("open", "i1"): None, ("open", "i3"): 0.0},
            lines=[("log", b"third")],
            dropped_logs=["log"],
            counters={"opened": 1, "late": 1},
            outbox=[("tickets.noc", Message("s", 3, b""))],
            sent=1,
        )
        with pytest.raises(Fenced):
            await one.commit(shard, old, late)
        assert await snapshot(two, shard) == before
        await two.commit(shard, new, Commit(records={"c": b"new"}))
        assert await two.load(shard, ["c"]) == [b"new"]

    async def test_a_fenced_commit_takes_no_other_with_it(self, store: StateStore, shard: str) -> None:
        """Commits of other shards at the same moment are written though one is refused."""
        old = await store.claim(shard)
        await store.claim(shard)
        others = [f"{shard}.{n}" for n in range(8)]
        epochs = [await store.claim(other) for other in others]
        jobs = [store.commit(other, epoch, FULL) for other, epoch in zip(others, epochs, strict=True)]
        jobs.insert(4, store.commit(shard, old, FULL))
        results = await asyncio.gather(*jobs, return_exceptions=True)
        assert isinstance(results.pop(4), Fenced)
        assert results == [10] * 8
        assert await store.load(shard, ["a"]) == [None]
        assert [await store.load(other, ["a"]) for other in others] == [[b"1"]] * 8

    async def test_shards_are_namespaces(self, store: StateStore, shard: str) -> None:
        """What one shard holds, another of a similar name does not."""
        other = shard + "0"
        await store.commit(shard, await store.claim(shard), FULL)
        epoch = await store.claim(other)
        empty = {"records": [None] * 3, "timers": [], "index": [], "lines": [], "counters": {}, "outbox": []}
        assert await snapshot(store, other) == empty
        before = await snapshot(store, shard)
        undo = Commit(
            {"a": None}, {"t1": None}, {("open", "i1"): None}, [], ["log"], {"opened": 5}, [], sent=1
        )
        await store.commit(other, epoch, undo)
        assert await snapshot(store, shard) == before

    # ---- records

    async def test_what_is_committed_can_be_read(self, make_store: MakeStore, shard: str) -> None:
        """After a commit every client sees all of it."""
        one, two = await make_store(), await make_store()
        await one.commit(shard, await one.claim(shard), FULL)
        everything = await snapshot(one, shard)
        assert everything == {
            "records": [b"1", b"2", None],
            "timers": [Timer("t1", 10), Timer("t2", 20)],
            "index": [Entry(-2.5, "i2"), Entry(1.5, "i1")],
            "lines": [b"first", b"second"],
            "counters": {"opened": 2},
            "outbox": FULL.outbox,
        }
        assert await snapshot(two, shard) == everything

    async def test_state_outlives_the_client(self, make_store: MakeStore, shard: str) -> None:
        """After close and a new start everything is where it was, the epoch included."""
        store = await make_store()
        epoch = await store.claim(shard)
        await store.commit(shard, epoch, FULL)
        before = await snapshot(store, shard)
        await store.close()
        store = await make_store()
        assert await snapshot(store, shard) == before
        assert await store.claim(shard) > epoch

    async def test_load_keeps_the_order_of_the_keys(self, claimed: Claimed) -> None:
        """Values come as asked: in order, None for what is missing, twice for what is asked twice."""
        await claimed.commit(records={"a": b"1", "b": b"2", "c": b"3"})
        loaded = await claimed.store.load(claimed.shard, ["c", "nope", "a", "c"])
        assert loaded == [b"3", None, b"1", b"3"]
        assert await claimed.store.load(claimed.shard, []) == []

    async def test_records_are_replaced_and_removed(self, claimed: Claimed) -> None:
        """A later value replaces, None removes, and removing what is not there is no mistake."""
        await claimed.commit(records={"a": b"1", "b": b"2"})
        await claimed.commit(records={"a": b"one", "b": None, "c": None})
        assert await claimed.store.load(claimed.shard, ["a", "b", "c"]) == [b"one", None, None]

    async def test_values_are_bytes(self, claimed: Claimed) -> None:
        """Any bytes are a value, and an empty value is not a missing one; keys may be any text."""
        values = {"": b"", "nul": b"\x00", "ключ:{x}": bytes(range(256)), "a b\n*": "ü".encode("latin1")}
        await claimed.commit(records=dict(values), lines=[("l", value) for value in values.values()])
        assert await claimed.store.load(claimed.shard, list(values)) == list(values.values())
        assert await claimed.store.lines(claimed.shard, "l") == list(values.values())

    async def test_a_big_commit(self, claimed: Claimed) -> None:
        """Thousands of changes of every kind are one commit, and thousands of keys one load."""
        count = 5_000
        await claimed.commit(
            records={f"r{n}": b"%d" % n * 50 for n in range(count)},
            timers={f"t{n:05}": n for n in range(count)},
            index={("i", f"m{n:05}"): float(-n) for n in range(count)},
            lines=[("l", b"%d" % n) for n in range(count)],
            counters={f"c{n}": n for n in range(100)},
            outbox=[("tickets.x", Message("s", n, b"")) for n in range(count)],
        )
        store, shard = claimed.store, claimed.shard
        loaded = await store.load(shard, [f"r{n}" for n in range(count + 1)])
        assert loaded == [b"%d" % n * 50 for n in range(count)] + [None]
        assert await claimed.due(count, count * 2) == [Timer(f"t{n:05}", n) for n in range(count)]
        assert await store.size(shard, "i") == count
        assert len(await store.lines(shard, "l", limit=count * 2)) == count
        assert [message.sequence for _, message in await store.outbox(shard, count)] == list(range(count))

    async def test_an_empty_commit_is_fine(self, claimed: Claimed) -> None:
        """Nothing to change still tells when the earliest timer is due."""
        assert await claimed.commit() is None
        await claimed.commit(timers={"t": 7})
        assert await claimed.commit() == 7

    async def test_a_commit_does_not_change_its_argument(self, claimed: Claimed) -> None:
        """Whoever made a commit may look at it, or send it again, afterwards."""
        commit = Commit(records={"a": None}, counters={"c": 1}, outbox=[("m", Message("s", 1, b""))])
        await claimed.store.commit(claimed.shard, claimed.epoch, commit)
        assert commit == Commit(records={"a": None}, counters={"c": 1}, outbox=[("m", Message("s", 1, b""))])

    async def test_commits_at_the_same_time_are_all_there(self, claimed: Claimed) -> None:
        """Commits submitted together lose nothing of each other."""
        await asyncio.gather(*(claimed.commit(records={f"r{n}": b"x"}, counters={"c": 1}) for n in range(50)))
        assert await claimed.store.load(claimed.shard, [f"r{n}" for n in range(50)]) == [b"x"] * 50
        assert await claimed.store.counters(claimed.shard) == {"c": 50}

    # ---- timers

    async def test_timers_come_by_due_time_then_id(self, claimed: Claimed) -> None:
        """The earliest comes first, those of one moment by id, including that of *until*, up to the limit."""
        await claimed.commit(timers={"b": 10, "a": 10, "z": 5, "c": 11, "d": -3})
        expected = [Timer("d", -3), Timer("z", 5), Timer("a", 10), Timer("b", 10)]
        assert await claimed.due(10) == expected
        assert await claimed.due(10, limit=3) == expected[:3]
        assert await claimed.due(-4) == []

    async def test_due_timers_stay_until_a_commit(self, claimed: Claimed) -> None:
        """Being told of a timer does not remove it."""
        await claimed.commit(timers={"a": 10})
        assert await claimed.due(10) == await claimed.due(10) == [Timer("a", 10)]
        await claimed.commit(timers={"a": None})
        assert await claimed.due(10) == []

    async def test_a_timer_has_one_due_time(self, claimed: Claimed) -> None:
        """Arming again moves a timer, earlier or later."""
        await claimed.commit(timers={"a": 10, "b": 20})
        await claimed.commit(timers={"a": 30, "b": 5})
        assert await claimed.due(100) == [Timer("b", 5), Timer("a", 30)]

    async def test_commit_tells_the_earliest_due(self, claimed: Claimed) -> None:
        """Commit and next_due agree on the earliest timer after every change."""
        steps: Sequence[tuple[dict[str, int | None], int | None]] = [
            ({}, None),
            ({"a": 10, "b": 1_732_000_000_000}, 10),
            ({"c": 3}, 3),
            ({"c": 50}, 10),
            ({"a": None}, 50),
            ({"b": None, "c": None, "never": None}, None),
        ]
        for timers, earliest in steps:
            assert await claimed.commit(timers=timers) == earliest
            assert await claimed.store.next_due(claimed.shard) == earliest

    # ---- indexes

    async def test_scan_goes_both_ways(self, claimed: Claimed) -> None:
        """Members come by score, ties by member; *newest* turns exactly that around."""
        await claimed.commit(index=scores(d=1.5, b=2.0, a=2.0, c=-7.25, e=1e15))
        upwards = [Entry(-7.25, "c"), Entry(1.5, "d"), Entry(2.0, "a"), Entry(2.0, "b"), Entry(1e15, "e")]
        assert await claimed.scan() == upwards
        assert await claimed.scan(newest=True) == upwards[::-1]
        assert await claimed.scan(limit=2) == upwards[:2]
        assert await claimed.scan(limit=2, newest=True) == upwards[:-3:-1]

    @pytest.mark.parametrize("newest", [False, True])
    @pytest.mark.parametrize("limit", [1, 2, 3, 100])
    async def test_pages_make_the_whole(self, claimed: Claimed, limit: int, newest: bool) -> None:
        """Going on after the last of each page gives every member once, whatever the scores."""
        members = {
            "a": 0.1,
            "b": 0.1,
            "c": 0.1,
            "d": -0.1,
            "e": -5,
            "f": 0.30000000000000004,
            "é": 0.1,
            "g": 0,
        }
        await claimed.commit(index=scores(**members))
        pages: list[Entry] = []
        while page := await claimed.scan(limit=limit, after=pages[-1] if pages else None, newest=newest):
            pages += page
        whole = sorted((Entry(score, m) for m, score in members.items()), key=lambda e: (e.score, e.member))
        assert pages == (whole[::-1] if newest else whole)

    async def test_paging_does_not_need_the_last_member(self, claimed: Claimed) -> None:
        """A page goes on at the right place though the member it ended at is gone or moved."""
        await claimed.commit(index=scores(a=1, b=1, c=1, d=2))
        await claimed.commit(index=scores(b=None))
        assert await claimed.scan(after=Entry(1, "b")) == [Entry(1, "c"), Entry(2, "d")]
        assert await claimed.scan(after=Entry(1, "b"), newest=True) == [Entry(1, "a")]
        assert await claimed.scan(after=Entry(1.5, "")) == [Entry(2, "d")]
        assert await claimed.scan(after=Entry(2, "d")) == []

    async def test_a_member_has_one_score(self, claimed: Claimed) -> None:
        """Scoring again moves a member; None removes it, also when it was never there."""
        await claimed.commit(index=scores(a=1, b=2))
        await claimed.commit(index=scores(a=3, b=2, nope=None))
        assert await claimed.scan() == [Entry(2, "b"), Entry(3, "a")]
        await claimed.commit(index=scores(b=None))
        assert await claimed.scan() == [Entry(3, "a")]

    async def test_indexes_are_separate_and_counted(self, claimed: Claimed) -> None:
        """One member may be in several indexes; size counts those of one."""
        await claimed.commit(index={("i", "a"): 1, ("j", "a"): 2, ("j", "b"): 3})
        size = claimed.store.size
        assert [await size(claimed.shard, name) for name in ("i", "j", "none")] == [1, 2, 0]
        await claimed.commit(index={("j", "a"): None, ("j", "b"): 9})
        assert [await size(claimed.shard, name) for name in ("i", "j")] == [1, 1]
        assert await claimed.scan() == [Entry(1, "a")]

    # ---- lines

    async def test_lines_are_appended_in_order(self, claimed: Claimed) -> None:
        """Each log keeps its lines in the order of the commits and within each."""
        await claimed.commit(lines=[("l", b"1"), ("m", b"x"), ("l", b"2")])
        await claimed.commit(lines=[("l", b"3"), ("l", b"3")])
        assert await claimed.store.lines(claimed.shard, "l") == [b"1", b"2", b"3", b"3"]
        assert await claimed.store.lines(claimed.shard, "m") == [b"x"]
        assert await claimed.store.lines(claimed.shard, "none") == []

    async def test_lines_are_read_in_parts(self, claimed: Claimed) -> None:
        """*start* counts lines from 0, *limit* bounds the answer, beyond the end there is nothing."""
        await claimed.commit(lines=[("l", b"%d" % n) for n in range(10)])
        lines = claimed.store.lines
        assert await lines(claimed.shard, "l", start=3, limit=4) == [b"3", b"4", b"5", b"6"]
        assert await lines(claimed.shard, "l", start=8, limit=4) == [b"8", b"9"]
        assert await lines(claimed.shard, "l", start=10) == []

    async def test_a_dropped_log_is_empty(self, claimed: Claimed) -> None:
        """Dropping removes all lines of that log alone; lines of the same commit begin it anew, from 0."""
        await claimed.commit(lines=[("l", b"1"), ("l", b"2"), ("m", b"x")])
        await claimed.commit(dropped_logs=["l", "never"])
        assert await claimed.store.lines(claimed.shard, "l") == []
        assert await claimed.store.lines(claimed.shard, "m") == [b"x"]
        await claimed.commit(lines=[("l", b"3")])
        await claimed.commit(dropped_logs=["l"], lines=[("l", b"4"), ("l", b"5")])
        assert await claimed.store.lines(claimed.shard, "l", start=1) == [b"5"]

    # ---- counters, outbox, reports

    async def test_counters_add_up(self, claimed: Claimed) -> None:
        """Counters are added to, from nothing, in either direction, beyond 32 bits."""
        await claimed.commit(counters={"a": 1, "b": 5_000_000_000})
        await claimed.commit(counters={"a": 2, "b": -1, "ü": 1})
        assert await claimed.store.counters(claimed.shard) == {"a": 3, "b": 4_999_999_999, "ü": 1}

    async def test_sent_removes_the_oldest_of_the_outbox(self, claimed: Claimed) -> None:
        """The outbox is a queue: commits put at its end, *sent* takes from its beginning."""
        outbox = [(f"tickets.{n % 3}", Message("s", n, b"%d" % n, n)) for n in range(1, 8)]
        store, shard = claimed.store, claimed.shard
        await claimed.commit(outbox=outbox[:4])
        assert await store.outbox(shard, 100) == outbox[:4]
        assert await store.outbox(shard, 2) == outbox[:2]
        await claimed.commit(sent=2, outbox=outbox[4:])
        assert await store.outbox(shard, 100) == outbox[2:]
        await claimed.commit(sent=5)
        assert await store.outbox(shard, 100) == []
        await claimed.commit(outbox=outbox[:1])
        assert await store.outbox(shard, 100) == outbox[:1]

    async def test_reports_only_grow(self, make_store: MakeStore) -> None:
        """Each producer's total is the largest it reported, from whichever client."""
        one, two = await make_store(), await make_store()
        a, b, c = (uuid4().hex for _ in range(3))
        await one.report({a: 5, b: 7})
        await two.report({a: 3, b: 9_000_000_000, c: 0})
        await two.report({})
        reported = await one.reported()
        assert {name: reported.get(name) for name in (a, b, c)} == {a: 5, b: 9_000_000_000, c: 0}

    # ---- the whole

    async def test_it_does_what_a_simple_model_does(self, store: StateStore) -> None:
        """Under random commands it answers as a few dicts would."""
        await asyncio.to_thread(run_machine, store, asyncio.get_running_loop())

    async def test_ping_answers(self, store: StateStore) -> None:
        """A store that is there answers a ping with silence."""
        await store.ping()

    async def test_closing_twice_is_safe(self, make_store: MakeStore, shard: str) -> None:
        """Close may be called again; a closed store says that it is unavailable."""
        store = await make_store()
        await store.close()
        await store.close()
        with pytest.raises(StoreUnavailable):
            await store.ping()
        with pytest.raises(StoreUnavailable):
            await store.claim(shard)
