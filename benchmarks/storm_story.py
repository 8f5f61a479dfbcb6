"""The story that ``benchmarks.record_storm`` tells: a web shop, what is watched of it, and how it fails."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = 2
TITLE = "The storage under postgres-orders fails, and the web shop acme is down for ten minutes."
MINUTE = 6.0  # seconds that a minute of the story takes: ten times faster than life
STORY = 15 * MINUTE
EVALUATION = 2.0  # seconds between two evaluations of the rules
FOREVER = 99.0

Labels = dict[str, str]


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
