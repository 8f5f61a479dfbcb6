"""Record a web shop's outage as real Alertmanager webhooks.

Run it as ``python -m benchmarks.record_storm OUT``. A scripted Prometheus feeds Debian's Alertmanager,
and a sink keeps every webhook that it sends. The story is seeded and the same every time; grouping,
timing and repeats are Alertmanager's own.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import socket
import subprocess
import tempfile
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import aiohttp
import msgspec
from aiohttp import web

from benchmarks.storm_story import EVALUATION, MINUTE, RULES, SEED, STORY, TITLE, Alert, Shop, Story

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

BINARY = "prometheus-alertmanager"

AFTERMATH = 8.0  # seconds for the last webhooks to arrive
FIRING_FOR = 4 * EVALUATION  # like Prometheus: not repeated by then, an alert counts as resolved
RETENTION = MINUTE  # how long a resolved alert is still sent (15 minutes in life)
CHUNK = 64  # alerts in one POST of Prometheus

ALERTMANAGER = """
route:
  receiver: tocsin
  group_by: [alertname, cluster]
  group_wait: 2s
  group_interval: 4s
  repeat_interval: 20s
receivers:
  - name: tocsin
    webhook_configs:
      - url: http://127.0.0.1:{port}/ingest/alertmanager
"""


# ---- Prometheus ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prometheus:
    """Sends every alert at every evaluation, and resolved ones for a while, as Prometheus does."""

    alerts: list[Alert]
    rng: Random

    async def run(self, session: aiohttp.ClientSession, url: str) -> None:
        began, clock = time.time(), time.monotonic()
        for tick in range(int(STORY / EVALUATION) + 1):
            await asyncio.sleep(clock + tick * EVALUATION - time.monotonic())
            await self._evaluate(session, url, tick * EVALUATION, began)

    async def _evaluate(self, session: aiohttp.ClientSession, url: str, second: float, began: float) -> None:
        posted = [self._posted(alert, spell, second, began) for alert, spell in self._due(second)]
        for at in range(0, len(posted), CHUNK):
            async with session.post(url, json=posted[at : at + CHUNK]) as reply:
                reply.raise_for_status()

    def _due(self, second: float) -> Iterator[tuple[Alert, tuple[float, float]]]:
        for alert in self.alerts:
            begun = [spell for spell in alert.spells if spell[0] <= second]
            if begun and second <= begun[-1][1] + RETENTION:
                yield alert, begun[-1]

    def _posted(
        self, alert: Alert, spell: tuple[float, float], second: float, began: float
    ) -> dict[str, Any]:
        rule, (begin, end) = RULES[alert.alertname], spell
        facts = alert.labels | {"value": str(self.rng.randint(*rule.values))}
        prometheus = f"https://prometheus.{alert.labels['cluster']}.acme.example"
        return {
            "labels": {"alertname": alert.alertname, "severity": rule.severity, **alert.labels},
            "annotations": {
                "summary": rule.summary.format_map(facts),
                "description": rule.description.format_map(facts),
                "runbook_url": f"https://runbooks.acme.example/{alert.alertname}",
            },
            "startsAt": rfc3339(began + begin),
            "endsAt": rfc3339(began + (end if second >= end else second + FIRING_FOR)),
            "generatorURL": f"{prometheus}/graph?g0.expr={quote(rule.expr, safe='')}&g0.tab=1",
        }


def rfc3339(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")


# ---- Alertmanager and the recording -------------------------------------------------------------


class Post(msgspec.Struct):
    """A line of the recording; the body is kept byte for byte."""

    at: float
    body: msgspec.Raw


class Header(msgspec.Struct):
    """The first line of the recording."""

    recorded_with: str
    story: str
    headers: dict[str, str]
    posts: int
    alert_events: int
    distinct_alerts: int


@dataclass(slots=True)
class Sink:
    """Takes what Alertmanager sends, as Tocsin would."""

    posts: list[Post] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    async def take(self, request: web.Request) -> web.Response:
        body = (await request.read()).strip()
        self.posts.append(Post(round(time.monotonic() - self.started, 3), msgspec.Raw(body)))
        self.headers = {name: request.headers[name] for name in ("Content-Type", "User-Agent")}
        return web.Response()

    def header(self, recorded_with: str) -> Header:
        bodies = [msgspec.json.decode(post.body) for post in self.posts]
        keys = [alert["fingerprint"] for body in bodies for alert in body["alerts"]]
        counts = len(self.posts), len(keys), len(set(keys))
        return Header(recorded_with, TITLE, self.headers, *counts)


@asynccontextmanager
async def listening(sink: Sink, port: int) -> AsyncIterator[None]:
    app = web.Application(client_max_size=64 * 1024**2)
    app.router.add_post("/ingest/alertmanager", sink.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


@contextmanager
def alertmanager(port: int, sink_port: int) -> Iterator[str]:
    """Run Alertmanager in a temporary folder; yield the URL of its API."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "alertmanager.yml")
        config.write_text(ALERTMANAGER.format(port=sink_port))
        command = [
            BINARY,
            f"--config.file={config}",
            f"--storage.path={folder}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--web.external-url=https://alertmanager.acme.example",
            "--web.route-prefix=/",
            "--cluster.listen-address=",  # alone, not in a cluster
            "--log.level=warn",
        ]
        with subprocess.Popen(command) as process:
            try:
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()


async def ready(session: aiohttp.ClientSession, url: str) -> None:
    for _ in range(300):
        if await answers(session, f"{url}/-/ready"):
            return
        await asyncio.sleep(0.1)
    raise TimeoutError(f"{BINARY} is not ready after 30 s")


async def answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as reply:
            return reply.ok
    except aiohttp.ClientConnectionError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def version() -> str:
    """Return the name and version of the installed Alertmanager."""
    shown = subprocess.run([BINARY, "--version"], check=True, capture_output=True, text=True)
    number = (shown.stdout or shown.stderr).split("version ")[1].split()[0]
    return f"{BINARY} {number}"


async def record() -> Sink:
    """Tell the whole story to Alertmanager and return what it sent."""
    rng = Random(SEED)
    prometheus = Prometheus(Story(Shop(rng), rng).alerts(), rng)
    sink, sink_port = Sink(), free_port()
    async with listening(sink, sink_port), aiohttp.ClientSession() as session:
        with alertmanager(free_port(), sink_port) as url:
            await ready(session, url)
            sink.started = time.monotonic()
            await prometheus.run(session, f"{url}/api/v2/alerts")
            await asyncio.sleep(AFTERMATH)
    return sink


def main() -> None:
    parser = argparse.ArgumentParser(prog="record_storm", description=__doc__)
    parser.add_argument("out", type=Path, help="the recording to write, a .jsonl.gz")
    out: Path = parser.parse_args().out
    sink = asyncio.run(record())
    header = sink.header(version())
    lines = msgspec.json.Encoder().encode_lines([header, *sink.posts])
    out.write_bytes(gzip.compress(lines, mtime=0))
    print(f"{header.posts} posts, {header.alert_events} events, {header.distinct_alerts} alerts")


if __name__ == "__main__":
    main()
