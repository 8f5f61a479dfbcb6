"""What must be true at the end, whatever happened: nothing lost, nothing twice, and every ticket as it should be."""

from __future__ import annotations

from typing import Any

from tests.chaos.load import Identity, Load
from tests.e2e.serve import Tocsin, eventually
from tests.e2e.sink import Sink

WITHIN = 60.0
NEVER = ("stray_resolve", "late_firing", "outdated", "quarantined")
"""Outcomes of disorder. Senders keep the order of each identity, so Tocsin has to."""


async def audit(tocsin: Tocsin, sink: Sink, load: Load) -> None:
    """Wait until all is settled; then nothing may be wrong."""

    async def settled() -> None:
        stats = await tocsin.stats()
        check_books(stats, load)
        incidents, alerts = await tocsin.incidents(limit="100"), await tocsin.alerts(limit="100")
        check_alerts(alerts, load)
        check_incidents(incidents, alerts)
        check_tickets(incidents, sink)

    await eventually(settled, WITHIN)


def check_books(stats: dict[str, Any], load: Load) -> None:
    """Every alert answered 202 has exactly one outcome, and nothing is left to be done."""
    assert stats["in_flight"] == 0, stats
    assert stats["accepted"] == sum(stats["outcomes"].values()), stats
    assert load.answered <= stats["accepted"] <= load.answered + load.doubtful, (load.answered, load.doubtful)
    assert not any(stats["outcomes"][name] for name in NEVER), stats["outcomes"]
    assert stats["destinations"]["noc"].items() >= {"pending": 0, "parked": 0}.items(), stats
    assert not any(stats["mailboxes"].values()), stats["mailboxes"]
    assert stats["spooled"] == 0, stats


def check_alerts(alerts: list[Any], load: Load) -> None:
    """Every identity was heard of as often as it was told of, and is what was said of it last."""
    heard = {each["labels"]["instance"]: each for each in alerts}
    assert len(heard) == len(alerts) == len(load.identities)
    wrong = {
        name: (heard[name], identity)
        for name, identity in load.identities.items()
        if not _is_right(heard[name], identity)
    }
    assert not wrong, wrong


def _is_right(alert: dict[str, Any], identity: Identity) -> bool:
    counted = identity.answered <= alert["count"] <= identity.answered + identity.doubtful
    return counted and bool(alert["state"] == identity.alert["status"])


def check_incidents(incidents: list[Any], alerts: list[Any]) -> None:
    """An incident is open as long as one of its alerts fires, and every alert belongs to one."""
    firing = {each["incident"] for each in alerts if each["state"] == "firing"}
    for incident in incidents:
        assert incident["state"] == ("open" if incident["id"] in firing else "resolved"), incident
    assert {each["incident"] for each in alerts} == {each["id"] for each in incidents}


def check_tickets(incidents: list[Any], sink: Sink) -> None:
    """Every incident has exactly one ticket, which shows what the incident is."""
    assert set(sink.creates.values()) <= {1}, {k: n for k, n in sink.creates.items() if n != 1}
    assert sink.tickets.keys() == {each["id"] for each in incidents}
    for incident in incidents:
        shown, [ticket] = sink.shown(incident["id"]), incident["tickets"]
        assert shown["version"] == ticket["version"] == incident["revision"], (shown, incident)
        assert shown["ticket"]["state"] == ticket["state"] == incident["state"], (shown, incident)
        assert shown["ticket"]["priority"] == incident["priority"], (shown, incident)
        assert shown["ticket"]["alerts"] == incident["alerts"], (shown, incident)
