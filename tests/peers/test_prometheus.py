"""A real Prometheus watches something that breaks and is mended; Tocsin hears of it in every way there is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from tests.peers import guides
from tests.peers.conftest import Serving, running
from tests.services.prometheus import Alertmanager, Prometheus
from tests.services.server import HOST, free_port

pytestmark = pytest.mark.services

OFTEN = "200ms"
LOGIN = {"username": "prometheus", "password": "some-password"}
SOURCES: dict[str, Any] = {
    "webhook-bearer": {"type": "alertmanager", "auth": {"bearer": guides.TOKEN}},
    "webhook-basic": {"type": "alertmanager", "auth": {"basic": LOGIN}},
    "push-by-name": {"type": "prometheus_am_api", "auth": {"bearer": guides.TOKEN}},
    "push-by-login": {"type": "prometheus_am_api", "auth": {"basic": {**LOGIN, "username": "pusher"}}},
}
RULES = {
    "groups": [
        {
            "name": "shop",
            "rules": [
                {
                    "alert": "HighErrorRate",
                    "expr": "shop_errors > 5",
                    "labels": {"severity": "critical"},
                    "annotations": {
                        "summary": "{{ $labels.service }} answers with {{ $value }} errors",
                        "runbook_url": "http://runbooks.example/errors",
                    },
                },
                {"alert": "Watchdog", "expr": "vector(1)"},
            ],
        }
    ]
}


class Shop:
    """Something that shows how many errors it has."""

    def __init__(self) -> None:
        self.port = free_port()
        self.errors = 9

    async def metrics(self, _: web.Request) -> web.Response:
        """Answer a scrape."""
        return web.Response(text=f'shop_errors{{service="checkout"}} {self.errors}\n')


@asynccontextmanager
async def shop() -> AsyncIterator[Shop]:
    """Open it."""
    made, app = Shop(), web.Application()
    app.router.add_get("/metrics", made.metrics)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, made.port).start()
        yield made
    finally:
        await runner.cleanup()


def alertmanager(tocsin: str) -> dict[str, Any]:
    """Paste what the guide says, with shorter times, and a second webhook that logs in by name and password."""
    [pasted, *_] = guides.blocks("alertmanager", f"{tocsin}/ingest/webhook-bearer")
    config: dict[str, Any] = yaml.safe_load(pasted.replace("YOUR-TOKEN", guides.TOKEN))
    config["route"] |= {"group_wait": "0s", "group_interval": OFTEN}
    [receiver] = config["receivers"]
    basic = {"url": f"{tocsin}/ingest/webhook-basic", "http_config": {"basic_auth": LOGIN}}
    receiver["webhook_configs"].append(basic)
    return config


def prometheus(shop: int, tocsin: str, alertmanager: str) -> dict[str, Any]:
    """Paste what the guide says, which names a source; beside it an Alertmanager, and a source found by its login."""
    [pasted, *_] = guides.blocks("prometheus_am_api", f"http://{tocsin}/ingest/push-by-name")
    pasted = pasted.replace("YOUR-TOKEN", guides.TOKEN).replace("/ingest/NAME", "/ingest/push-by-name")
    config: dict[str, Any] = yaml.safe_load(pasted.replace("tocsin.example:8080", tocsin))
    config["alerting"]["alertmanagers"] += [
        {"static_configs": [{"targets": [alertmanager]}]},
        {"static_configs": [{"targets": [tocsin]}], "basic_auth": {**LOGIN, "username": "pusher"}},
    ]
    return config | {
        "global": {"scrape_interval": OFTEN, "scrape_timeout": OFTEN, "evaluation_interval": OFTEN},
        "rule_files": ["rules.yml"],
        "scrape_configs": [{"job_name": "shop", "static_configs": [{"targets": [f"{HOST}:{shop}"]}]}],
    }


async def test_a_rule_fires_and_resolves_by_every_way(serving: Serving, tmp_path: Path) -> None:
    """By webhook and by push the same alert comes, with one fingerprint, and its end meets it.

    The Watchdog, which always fires, opens nothing.
    """
    async with shop() as watched, serving(SOURCES) as tocsin:
        with running(Alertmanager(tmp_path / "am", alertmanager(tocsin.url))) as manager:
            config = prometheus(watched.port, tocsin.address, manager.address)
            with running(Prometheus(tmp_path / "prom", config, RULES)):
                firing = await tocsin.alerts("firing", len(SOURCES))
                opened = await tocsin.incident("open")
                watched.errors = 0
                resolved = await tocsin.alerts("resolved", len(SOURCES))
                closed = await tocsin.incident("resolved")
            counts = await tocsin.outcomes()
    assert firing.keys() == resolved.keys() == SOURCES.keys()
    assert len({alert["fingerprint"] for alert in (*firing.values(), *resolved.values())}) == 1
    for alert in firing.values():
        assert (alert["name"], alert["severity"], alert["service"]) == (
            "HighErrorRate",
            "critical",
            "checkout",
        )
        assert alert["summary"] == "checkout answers with 9 errors"
        assert alert["labels"]["instance"] == f"{HOST}:{watched.port}"
        assert "shop_errors" in alert["url"]
    assert all(alert["ends_at"] >= alert["starts_at"] for alert in resolved.values())
    assert (opened["severity"], opened["service"], opened["alerts"]) == ("critical", "checkout", len(SOURCES))
    assert closed["id"] == opened["id"]
    assert (counts["opened"], counts["joined"], counts["resolved"]) == (1, 3, 4)
    assert not counts.keys() & {"stray_resolve", "late_firing", "reopened"}
