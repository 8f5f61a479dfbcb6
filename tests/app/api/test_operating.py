"""The figures, the health and the metrics: what those who run Tocsin look at."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from app.api import health
from app.api.health import has_room
from correlation.admission import HELD_BY
from correlation.decisions import Verdict
from domain.errors import BrokerUnavailable, PermanentError, Reason, TemporaryError
from domain.ports import Commit
from tests.app.api.world import World, opened_world
from tests.builders import MINUTE, NOON, firing, resolved


async def test_the_stats_of_nothing_are_nothing(world: World):
    stats = await world.get("/api/v1/stats")
    assert stats == {
        "accepted": 0,
        "in_flight": 0,
        "outcomes": dict.fromkeys(Verdict, 0),
        "destinations": {
            "noc": {"pending": 0, "parked": 0, "breaker": "closed", "quarantined": 0, "timers_failed": 0}
        },
        "missing_group_label": 0,
        "expired": 0,
        "heartbeats_missed": 0,
        "timers_failed": 0,
        "sla": {},
        "quarantine": {"kept": 0, "replayed": 0, "dropped": 0, "expired": 0},
        "suppressed": dict.fromkeys(HELD_BY, 0),
        "silences": {},
        "spooled": 7,
        "mailboxes": {"alerts.0": 0, "tickets.noc": 0},
        "problems": {"opened": 0, "recurred": 0, "reopened": 0, "resolved": 0, "closed": 0},
        "known_errors": {},
        "shadow": {},
        "changes": {"planned": 0, "started": 0, "succeeded": 0, "failed": 0, "rolled_back": 0},
    }


async def test_accepted_alerts_are_in_flight_until_they_have_an_outcome(world: World):
    await world.post(firing("A"), firing("B"))
    await world.run()
    await world.post(firing("A"), firing("C", service=""), at=NOON + MINUTE)
    stats = await world.get("/api/v1/stats")
    assert (stats["accepted"], stats["in_flight"], stats["mailboxes"]["alerts.0"]) == (4, 2, 1)
    await world.run()
    stats = await world.get("/api/v1/stats")
    assert (stats["accepted"], stats["in_flight"], stats["missing_group_label"]) == (4, 0, 1)
    assert {name: count for name, count in stats["outcomes"].items() if count} == {
        "opened": 2,
        "joined": 1,
        "duplicate": 1,
    }


async def test_the_stats_add_up_over_partitions_and_producers():
    async with opened_world(partitions=2) as world:
        await world.post(firing("A"), partition=0, producer="a")
        await world.post(firing("B"), partition=1, producer="b")
        await world.store.report({"elsewhere": 5})
        await world.run()
        stats = await world.get("/api/v1/stats")
        assert (stats["accepted"], stats["in_flight"], stats["outcomes"]["opened"]) == (7, 5, 2)


async def test_a_destination_shows_what_waits_and_what_was_given_up(world: World):
    await world.post(firing())
    world.tickets.fail_next(PermanentError("no such queue", Reason.REJECTED))
    await world.run()
    await world.post(firing("B", service="cart"), at=NOON + 1)
    world.tickets.fail_next(TemporaryError("down", Reason.SERVER_ERROR))
    await world.run()
    stats = await world.get("/api/v1/stats")
    assert stats["destinations"] == {
        "noc": {"pending": 1, "parked": 1, "breaker": "closed", "quarantined": 0, "timers_failed": 0}
    }


async def test_a_breaker_opens_and_in_time_lets_one_call_through(world: World):
    await world.post(*(firing(f"A{n}", service=f"s{n}") for n in range(5)))
    for _ in range(5):
        world.tickets.fail_next(TemporaryError("down", Reason.UNREACHABLE))
    await world.run()
    states = []
    for passed in (0, MINUTE):
        world.now += passed
        states.append((await world.get("/api/v1/stats"))["destinations"]["noc"]["breaker"])
    assert states == ["open", "half_open"]


async def test_stats_do_not_depend_on_the_broker(world: World):
    world.boxes.away = True
    assert (await world.get("/api/v1/stats"))["mailboxes"] == {"alerts.0": None, "tickets.noc": None}


async def test_a_process_that_answers_is_alive_whatever_else_is_not(world: World):
    await world.store.close()
    assert await world.get("/healthz") == {"status": "ok"}


async def test_ready_names_each_dependency(world: World):
    async def away() -> None:
        raise BrokerUnavailable("amqp://tocsin:s3cr:et/@mq.example:5672/: connection refused")

    assert await world.get("/readyz") == {"status": "ok", "dependencies": {"store": {"status": "ok"}}}
    world.checks["broker"] = away
    answer = await world.get("/readyz", 503)
    assert answer == {
        "status": "down",
        "dependencies": {
            "store": {"status": "ok"},
            "broker": {"status": "down", "error": "amqp://***@mq.example:5672/: connection refused"},
        },
    }


async def test_an_error_not_meant_to_be_read_is_only_named(world: World):
    async def broken() -> None:
        raise KeyError("s3cret")

    world.checks["broker"] = broken
    answer = await world.get("/readyz", 503)
    assert answer["dependencies"]["broker"] == {"status": "down", "error": "KeyError"}


async def test_a_dependency_that_hangs_is_down(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(health, "PATIENCE", 0.01)
    world.checks["broker"] = lambda: asyncio.sleep(60)
    answer = await world.get("/readyz", 503)
    assert answer["dependencies"]["broker"]["error"] == "no answer within 0.01 s"


async def test_a_spool_that_is_full_is_down(world: World):
    world.checks["spool"] = has_room(lambda: 10, 10)
    answer = await world.get("/readyz", 503)
    assert answer["dependencies"]["spool"]["error"] == "full: 10 of 10 bytes are taken"
    world.checks["spool"] = has_room(lambda: 9, 10)
    await world.get("/readyz")


Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def scraped(world: World) -> Samples:
    async with world.client.get("/metrics") as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/plain; version=")
        families = text_string_to_metric_families(await response.text())
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[f"tocsin_{name}", frozenset(labels.items())]


async def test_metrics_show_the_figures(world: World):
    await world.post(firing("A"), firing("B"))
    await world.run()
    await world.post(resolved("A"), at=NOON + MINUTE)
    found = await scraped(world)
    assert value(found, "build_info", version="1.2.3") == 1
    assert value(found, "stats_up") == 1
    assert value(found, "alerts_accepted_total") == 3
    assert value(found, "alerts_in_flight") == 1
    assert value(found, "alert_outcomes_total", outcome="opened") == 1
    assert value(found, "alert_outcomes_total", outcome="quarantined") == 0
    assert value(found, "mailbox_messages", mailbox="alerts.0") == 1
    assert value(found, "tickets_pending", destination="noc") == 0
    assert value(found, "tickets_parked", destination="noc") == 0
    assert value(found, "destination_breaker_state", destination="noc", state="closed") == 1
    assert value(found, "destination_breaker_state", destination="noc", state="open") == 0
    assert value(found, "spool_messages") == 7
    assert value(found, "deliveries_quarantined_total", destination="noc") == 0
    assert value(found, "timers_failed_total", stage="correlation") == 0
    assert value(found, "timers_failed_total", stage="delivery") == 0


async def test_what_delivery_could_not_decide_on_is_seen(world: World):
    """A message for a destination that nobody can read, and a timer that raised, are counted."""
    epoch = await world.store.claim("tickets.noc")
    await world.store.commit("tickets.noc", epoch, Commit(counters={"quarantined": 2, "timers_failed": 1}))
    found = await scraped(world)
    assert value(found, "deliveries_quarantined_total", destination="noc") == 2
    assert value(found, "timers_failed_total", stage="delivery") == 1


async def test_metrics_show_what_this_process_did(world: World):
    world.ingest.requests["prom", "accepted"] += 2
    world.ingest.alerts["prom"] += 3
    world.ingest.noticed["prom", "test"] += 4
    await world.post(firing("A"))
    world.tickets.fail_next(TemporaryError("slow down", Reason.RATE_LIMITED))
    await world.run()
    found = await scraped(world)
    assert value(found, "ingest_requests_total", source="prom", result="accepted") == 2
    assert value(found, "ingest_alerts_total", source="prom") == 3
    assert value(found, "ingest_noticed_total", source="prom", what="test") == 4
    call = {"destination": "noc", "action": "create"}
    assert value(found, "delivery_calls_total", **call, result="rate_limited") == 1
    assert value(found, "delivery_call_duration_seconds_count", **call) == 1
    assert any(name == "python_info" for name, _ in found)


async def test_metrics_of_the_store_are_left_out_while_it_is_away(world: World):
    await scraped(world)
    await world.store.close()
    found = await scraped(world)
    assert value(found, "stats_up") == 0
    assert not any(name.startswith("tocsin_alerts") for name, _ in found)


async def test_metrics_come_as_openmetrics_to_who_asks_for_it(world: World):
    headers = {"Accept": "application/openmetrics-text; version=1.0.0"}
    async with world.client.get("/metrics", headers=headers) as response:
        assert response.content_type == "application/openmetrics-text"
        parsed = parse_openmetrics(await response.text())  # type: ignore[no-untyped-call]
        families = {family.name: family.type for family in parsed}
    assert families["tocsin_alerts_accepted"] == "counter"
    assert families["tocsin_build"] == "info"


async def test_names_of_metrics_follow_prometheus_practice(world: World):
    await world.post(firing())
    await world.run()
    async with world.client.get("/metrics") as response:
        families = list(text_string_to_metric_families(await response.text()))
    ours = [family for family in families if family.name.startswith("tocsin_")]
    assert ours
    for family in ours:
        assert family.documentation
        assert not any(family.name.endswith(unit) for unit in ("_ms", "_count", "_minutes"))
        if family.type == "counter":
            assert all(s.name.endswith(("_total", "_created")) for s in family.samples)
    assert all(f.name.startswith(("tocsin_", "process_", "python_")) for f in families)
