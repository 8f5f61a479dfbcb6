"""Record a web shop's outage as real Alertmanager webhooks.

Run it as ``python -m benchmarks.record_storm OUT``. A scripted Prometheus feeds Debian's Alertmanager,
and a sink keeps every webhook that it sends. The story is seeded and the same every time; grouping,
timing and repeats are Alertmanager's own.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import math
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

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

BINARY = "prometheus-alertmanager"
TITLE = "The storage under postgres-orders fails, and the web shop acme is down for ten minutes."
SEED = 2

MINUTE = 6.0  # seconds that a minute of the story takes: ten times faster than life
STORY = 15 * MINUTE
AFTERMATH = 8.0  # seconds for the last webhooks to arrive
EVALUATION = 2.0  # seconds between two evaluations of the rules
FIRING_FOR = 4 * EVALUATION  # like Prometheus: not repeated by then, an alert counts as resolved
RETENTION = MINUTE  # how long a resolved alert is still sent (15 minutes in life)
CHUNK = 64  # alerts in one POST of Prometheus
FOREVER = 99.0

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

Labels = dict[str, str]


# ---- the shop: its rules and what they watch ----------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    """An alerting rule; ``{value}`` in its description wanders within ``values``, as in life."""

    severity: str
    expr: str
    values: tuple[int, int]
    summary: str
    description: str


# fmt: off
RULES = {
    "HighErrorRate": Rule("critical", "pod:http_errors:ratio_rate2m > 0.05", (12, 97),
        "{service} answers with errors", "{pod} fails {value}% of its requests."),
    "HighLatencyP99": Rule("warning", "pod:http_request_seconds:p99_rate2m > 1", (1, 30),
        "{service} is slow", "1% of the requests to {pod} take longer than {value} s."),
    "DatabasePoolExhausted": Rule("warning", "db_pool_waiting > 10", (11, 400),
        "{service} waits for database connections", "{value} requests wait in {pod}."),
    "ErrorBudgetBurn": Rule("critical", "service:slo_burn:ratio_1h > 14.4", (15, 90),
        "{service} burns its error budget", "{service} burns at {value} times the allowed rate."),
    "OrdersPerMinuteLow": Rule("critical", "shop:orders:rate1m < 20", (0, 19),
        "Hardly any orders in the shop", "{value} orders a minute, usually 140."),
    "CacheHitRatioLow": Rule("warning", "pod:cache_hits:ratio_rate5m < 0.7", (41, 69),
        "{service} misses its cache", "{pod} finds only {value}% in its cache."),
    "ModelStale": Rule("info", "time() - model_trained_timestamp > 86400", (25, 25),
        "The model of {service} is old", "Trained {value} hours ago."),
    "PostgresDown": Rule("critical", "pg_up == 0", (0, 0),
        "PostgreSQL {instance} is down", "The exporter cannot connect to {instance}."),
    "PostgresWalWriteErrors": Rule("critical", "rate(pg_wal_write_errors_total[1m]) > 0", (2, 80),
        "PostgreSQL {instance} cannot write", "{value} failed WAL writes a second."),
    "PostgresReplicationLag": Rule("warning", "pg_replication_lag_seconds > 30", (31, 600),
        "Replica {instance} lags", "{instance} is {value} s behind its primary."),
    "PgBouncerClientsWaiting": Rule("warning", "pgbouncer_pools_client_waiting > 50", (51, 900),
        "Clients wait for PostgreSQL", "{value} clients wait in {pod}."),
    "RedisMemoryHigh": Rule("warning", "redis_memory_used:ratio > 0.9", (91, 100),
        "Redis {instance} is nearly full", "{value}% of the memory is used: carts pile up."),
    "RedisEvictions": Rule("warning", "rate(redis_evicted_keys_total[1m]) > 10", (11, 700),
        "Redis {instance} evicts sessions", "{value} keys are evicted every second."),
    "KafkaConsumerLag": Rule("warning", "kafka_consumergroup_lag > 5000", (5001, 90000),
        "{consumergroup} falls behind", "{value} messages wait in {topic}/{partition}."),
    "KafkaUnderReplicatedPartitions": Rule("critical", "kafka_under_replicated > 0", (1, 24),
        "Kafka {instance} lacks replicas", "{value} partitions are under-replicated."),
    "ElasticsearchHeapHigh": Rule("warning", "es_jvm_heap_used:ratio > 0.9", (91, 99),
        "Elasticsearch {instance} is short of heap", "{value}% of the heap is in use."),
    "SearchIndexStale": Rule("warning", "time() - search_index_updated > 600", (601, 1500),
        "The search index is old", "No update for {value} s: new products are not found."),
    "NodeDiskIOErrors": Rule("critical", "rate(node_disk_io_errors_total[1m]) > 0", (1, 60),
        "Disk errors on {instance}", "{value} failed operations a second on {device}."),
    "NodeHighIOWait": Rule("warning", "instance:node_cpu_iowait:ratio > 0.4", (41, 98),
        "{instance} waits for its disks", "{value}% of the CPU time is spent waiting."),
    "NodeFilesystemAlmostFull": Rule("warning", "node_filesystem_free:ratio < 0.1", (8, 9),
        "{mountpoint} on {instance} fills up", "{value}% of {mountpoint} is left."),
    "KubeNodeNotReady": Rule("critical", 'kube_node_ready{status="true"} == 0', (0, 0),
        "Node {node} is not ready", "{node} has not been ready for 2 minutes."),
    "KubePodNotReady": Rule("warning", 'kube_pod_ready{condition="true"} == 0', (0, 0),
        "A pod of {service} is not ready", "{namespace}/{pod} fails its readiness probe."),
    "KubePodCrashLooping": Rule("warning", "increase(kube_pod_restarts_total[5m]) > 2", (3, 9),
        "A pod of {service} keeps crashing", "{namespace}/{pod} restarted {value} times."),
    "KubeDeploymentReplicasMismatch": Rule("warning", "kube_replicas_missing > 0", (1, 14),
        "{service} runs short of replicas", "{value} replicas of {deployment} are missing."),
    "KubeJobFailed": Rule("warning", "kube_job_failed > 0", (1, 1),
        "Job {job_name} failed", "{namespace}/{job_name} did not complete."),
    "CPUThrottlingHigh": Rule("info", "pod:cpu_throttled:ratio > 0.25", (26, 80),
        "{service} is throttled", "{pod} is throttled {value}% of the time."),
    # nobody told these rules which service they watch
    "KubePersistentVolumeErrors": Rule("critical", 'kube_pv_phase{phase="Failed"} > 0', (1, 1),
        "Volume {persistentvolume} failed", "The provisioner reports {persistentvolume} failed."),
    "ProbeFailed": Rule("critical", "probe_success == 0", (0, 0),
        "{instance} does not answer", "The black-box probe of {instance} fails."),
    "CertificateExpiresSoon": Rule("info", "cert_expires_days < 21", (20, 20),
        "The certificate of {instance} expires", "{value} days are left."),
}
# fmt: on


class Shop:
    """The things that can fail, each as the labels that its alerts carry."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.pods = {
            "frontend": self._pods("frontend", 36),
            "checkout": self._pods("checkout", 28),
            "payments": self._pods("payments", 24),
            "cart": self._pods("cart", 20),
            "catalog": self._pods("catalog", 10),
            "recommendations": self._pods("recommendations", 8),
            "search": self._pods("search", 6),
        }
        self.staging = [
            pod
            for service in ("checkout", "catalog", "search")
            for pod in self._pods(service, 4, environment="staging", clusters=("staging-eu1",))
        ]
        self.databases = self._hosts("postgres-orders", "data", "postgres", 3, 9187)
        self.bouncers = self._pods("postgres-orders", 4, namespace="data", clusters=("prod-eu1",))
        self.redis = self._hosts("redis-sessions", "data", "redis", 3, 9121)
        self.brokers = self._hosts("kafka", "data", "kafka", 3, 9308)
        self.elastic = self._hosts("search", "data", "elasticsearch", 3, 9114)
        self.rack = [node(f"node-r12-{number:02}") for number in range(1, 11)]
        self.lags = [
            production("kafka", "data", job="kafka", consumergroup=group, topic="orders.placed")
            | {"partition": str(partition)}
            for group in ("order-fulfilment", "order-mails")
            for partition in range(12)
        ]

    def _pods(
        self,
        service: str,
        count: int,
        *,
        namespace: str = "shop",
        environment: str = "production",
        clusters: tuple[str, ...] = ("prod-eu1", "prod-eu1", "prod-eu2"),
    ) -> list[Labels]:
        replica_set = self._name(9)
        return [
            production(service, namespace, job=f"{namespace}/{service}")
            | {"environment": environment, "cluster": clusters[number % len(clusters)]}
            | {"pod": f"{service}-{replica_set}-{self._name(5)}", "instance": self._address(8080)}
            for number in range(count)
        ]

    def _hosts(self, service: str, namespace: str, job: str, count: int, port: int) -> list[Labels]:
        return [
            production(service, namespace, job=job, instance=f"{job}-{number}.{namespace}:{port}")
            for number in range(count)
        ]

    def _name(self, length: int) -> str:
        return "".join(self._rng.choices("bcdfghjklmnpqrstvwxz2456789", k=length))

    def _address(self, port: int) -> str:
        return f"10.42.{self._rng.randrange(1, 64)}.{self._rng.randrange(2, 250)}:{port}"


def production(service: str, namespace: str, **labels: str) -> Labels:
    return {
        "service": service,
        "environment": "production",
        "cluster": "prod-eu1",
        "namespace": namespace,
        **labels,
    }


def node(name: str) -> Labels:
    return production("nodes", "monitoring", job="node-exporter", instance=f"{name}:9100")


def without(labels: Labels, *names: str) -> Labels:
    return {name: value for name, value in labels.items() if name not in names}


# ---- the story ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert of the story, with the spells (seconds from the start) in which it fires."""

    alertname: str
    labels: Labels
    spells: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Story:
    """The acts. Times are minutes of the story; each alert picks its own within the bounds."""

    shop: Shop
    rng: Random

    def alerts(self) -> list[Alert]:
        return [*self.noise(), *self.root(), *self.storm(), *self.unlabelled(), *self.search()]

    def noise(self) -> Iterator[Alert]:
        """Tell what is there on any day, and pages nobody."""
        staging, catalog = self.shop.staging, self.shop.pods["catalog"]
        long_ago = (-40, -5)
        yield from self.fan("CPUThrottlingHigh", staging, long_ago, (2, 20))
        yield from self.fan("CacheHitRatioLow", catalog[:3], (0.2, 2), (6, 14))
        model = production("recommendations", "shop", job="model-trainer")
        yield from self.fan("ModelStale", [model], long_ago, (FOREVER, FOREVER))
        for number, pod in enumerate(staging[:3]):
            job = without(pod, "pod", "instance") | {"job_name": f"nightly-import-{number}"}
            yield from self.fan("KubeJobFailed", [job], (0.5, 3), (9, 20))
        yield from self.fan("HighLatencyP99", staging[-2:], (1, 2), (3, 5))
        disk = node("node-r07-02") | {"device": "sda2", "mountpoint": "/var/lib/images"}
        yield self.act("NodeFilesystemAlmostFull", disk, *self.flapping(0.4, 14))

    def root(self) -> Iterator[Alert]:
        """Fail the array under rack r12, and PostgreSQL's primary with it."""
        shop, rack = self.shop, [labels | {"device": "sdb"} for labels in self.shop.rack]
        primary, *replicas = shop.databases
        kubelets = [
            production("kubernetes", "kube-system", job="kube-state-metrics")
            | {"node": labels["instance"].removesuffix(":9100")}
            for labels in shop.rack[:3]
        ]
        yield from self.fan("NodeDiskIOErrors", rack, (3.0, 3.5), (9, 10))
        yield from self.fan("NodeHighIOWait", shop.rack, (3.1, 4), (9.2, 11))
        yield from self.fan("PostgresWalWriteErrors", [primary], (3.1, 3.2), (9.2, 9.4))
        yield from self.fan("PostgresDown", [primary], (3.4, 3.5), (9.6, 9.8))
        yield from self.fan("PostgresReplicationLag", replicas, (3.6, 4.5), (10.5, 12.5))
        yield from self.fan("KubeNodeNotReady", kubelets, (4.5, 6), (9.5, 11))

    def storm(self) -> Iterator[Alert]:
        """Fail everything that needs the database, from the inside to the edge."""
        shop, pods = self.shop, self.shop.pods
        inner, outer = pods["payments"] + pods["checkout"], pods["cart"] + pods["frontend"]
        yield from self.fan("PgBouncerClientsWaiting", shop.bouncers, (3.5, 4), (9.8, 10.3))
        yield from self.fan("DatabasePoolExhausted", inner, (3.6, 4.6), (9.8, 11))
        yield from self.fan("HighLatencyP99", inner, (3.7, 5), (10, 12))
        yield from self.fan("HighErrorRate", inner, (3.9, 5.2), (9.8, 11))
        yield from self.fan("HighLatencyP99", outer, (4.2, 6), (10.2, 12.5))
        yield from self.fan("HighErrorRate", outer[:48], (4.6, 6.5), (10, 11.5))
        yield from self.fan("HighLatencyP99", pods["recommendations"], (5, 7), (10.5, 12))
        starved = [without(pod, "instance") | {"job": "kube-state-metrics"} for pod in inner]
        yield from self.fan("KubePodNotReady", starved[::2], (4.5, 6.5), (10, 11.5))
        yield from self.fan("KubePodCrashLooping", starved[::4], (5.5, 8), (11, 13))
        yield from self.by_service()
        yield from self.fan("RedisMemoryHigh", shop.redis, (5, 7), (10.5, 12))
        yield from self.fan("RedisEvictions", shop.redis[:2], (6, 7.5), (10, 11))
        brokers, (*lags, stuck) = shop.brokers[:2], shop.lags
        yield from self.fan("KafkaUnderReplicatedPartitions", brokers, (3.5, 4.5), (9.5, 11))
        yield from self.fan("KafkaConsumerLag", lags, (5, 8), (11, 14))
        yield from self.fan("KafkaConsumerLag", [stuck], (5, 6), (FOREVER, FOREVER))

    def by_service(self) -> Iterator[Alert]:
        """Tell of services as a whole; checkout burns again after the recovery."""
        shop = [production(name, "shop", job="slo") for name in ("payments", "cart", "frontend")]
        checkout = production("checkout", "shop", job="slo")
        yield from self.fan("ErrorBudgetBurn", shop, (4.3, 6), (10.8, 12))
        yield self.act("ErrorBudgetBurn", checkout, (4.3, 10.8), (12.2, 14))
        yield from self.fan("OrdersPerMinuteLow", [checkout], (4.5, 4.8), (10.3, 10.6))
        for labels in (*shop, checkout):
            deployment = labels | {"job": "kube-state-metrics", "deployment": labels["service"]}
            short = [deployment | {"cluster": cluster} for cluster in ("prod-eu1", "prod-eu2")]
            yield from self.fan("KubeDeploymentReplicasMismatch", short, (5, 7), (10.5, 12))

    def unlabelled(self) -> Iterator[Alert]:
        """Leave out the ``service``: what happens then is part of the demonstration."""
        here = without(production("", ""), "service", "namespace")
        volumes = [here | {"persistentvolume": f"pvc-orders-{number}"} for number in range(3)]
        pages = [here | {"instance": f"https://shop.acme.example/{page}"} for page in ("", "cart")]
        expiring = here | {"instance": "https://partners.acme.example"}
        yield from self.fan("KubePersistentVolumeErrors", volumes, (3.2, 4), (9.5, 10.5))
        yield from self.fan("ProbeFailed", pages, (4.8, 6), (10.2, 11))
        yield from self.fan("CertificateExpiresSoon", [expiring], (-40, -5), (FOREVER, FOREVER))

    def search(self) -> Iterator[Alert]:
        """Tell an incident of its own, which only happens to come at the same time."""
        index = production("search", "shop", job="search-indexer")
        yield from self.fan("ElasticsearchHeapHigh", self.shop.elastic, (5, 6), (8, 9))
        yield from self.fan("SearchIndexStale", [index], (6, 6.5), (9, 9.5))
        yield from self.fan("HighLatencyP99", self.shop.pods["search"][:4], (6, 7), (8, 9))

    def fan(
        self,
        alertname: str,
        things: list[Labels],
        begins: tuple[float, float],
        ends: tuple[float, float],
    ) -> Iterator[Alert]:
        """One alert for each of *things*: most begin early within *begins*, some late."""
        for labels in things:
            begin = self.rng.triangular(*begins, begins[0])
            yield self.act(alertname, labels, (begin, self.rng.uniform(*ends)))

    def act(self, alertname: str, labels: Labels, *spells: tuple[float, float]) -> Alert:
        return Alert(alertname, labels, tuple((evaluated(a), evaluated(b)) for a, b in spells))

    def flapping(self, begin: float, end: float) -> Iterator[tuple[float, float]]:
        """Spells of about a minute with about a minute between them."""
        while begin < end:
            stop = begin + self.rng.uniform(0.7, 1.5)
            yield begin, stop
            begin = stop + self.rng.uniform(0.7, 1.5)


def evaluated(minutes: float) -> float:
    """Return the second of the first evaluation after that minute: rules see nothing earlier."""
    return math.ceil(minutes * MINUTE / EVALUATION) * EVALUATION


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
