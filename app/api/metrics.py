"""``/metrics``: the figures for Prometheus, in its own format.

What the stats know is the same on every process, as all read one store: take the ``max``, not the ``sum``.
What ingest and delivery count is this process' own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from aiohttp import web
from prometheus_client import CollectorRegistry, GCCollector, Info, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from adapters.delivery.state import BreakerState
from app.api.problem_figures import known_error_metrics, problem_metrics
from app.api.stats import Figures, QuarantineFigures, Statistics
from app.metered import DeliveryMeter
from app.reads import DestinationFigures
from app.shard.loop import Shard
from app.standing import Standing
from domain.errors import Unavailable
from domain.suppression import SilenceState
from ingest.identity_lint import IdentityLint


class IngestCounts(Protocol):
    """What ingest counts."""

    @property
    def requests(self) -> Mapping[tuple[str, str], int]:
        """(source, result) → requests."""
        ...

    @property
    def alerts(self) -> Mapping[str, int]:
        """Source → alerts accepted."""
        ...

    @property
    def noticed(self) -> Mapping[tuple[str, str], int]:
        """(source, what) → how often something worth a look was seen."""
        ...

    @property
    def lints(self) -> Mapping[str, IdentityLint]:
        """Source → what was seen of its identities."""
        ...


class Metrics:
    """Answers Prometheus."""

    def __init__(
        self,
        statistics: Statistics,
        meter: DeliveryMeter,
        version: str,
        ingest: IngestCounts | None = None,
        shards: Callable[[], Sequence[Shard]] = tuple,
        standing: Callable[[], Standing] | None = None,
    ) -> None:
        """Show these; *ingest* is None in a process that takes nothing in, *shards* those that it may work.

        *standing* tells of the configuration.
        """
        self._statistics = statistics
        self._figures = _FiguresCollector()
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        Info("tocsin_build", "What this process runs.", registry=self._registry).info({"version": version})
        for collector in (self._figures, meter.calls, meter.seconds, _ShardsCollector(shards)):
            self._registry.register(collector)
        if ingest is not None:
            self._registry.register(_IngestCollector(ingest))
        if standing is not None:
            self._registry.register(_ConfigCollector(standing))

    async def show(self, request: web.Request) -> web.Response:
        """Show all metrics; while the store is away, all but those that come from it."""
        try:
            self._figures.latest = await self._statistics.gather()
        except Unavailable:
            self._figures.latest = None
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self._registry), headers={"Content-Type": content_type})


class _FiguresCollector(Collector):
    """The figures read last."""

    def __init__(self) -> None:
        self.latest: Figures | None = None

    def collect(self) -> Iterator[Metric]:
        up = self.latest is not None
        yield GaugeMetricFamily("tocsin_stats_up", "Whether the figures of the store could be read.", int(up))
        if self.latest is not None:
            yield from _accounting(self.latest)
            yield from _sla(self.latest.sla)
            yield from _shadow(self.latest.shadow)
            yield from _suppression(self.latest)
            yield from _quarantine(self.latest.quarantine)
            yield from _destinations(self.latest.destinations)
            yield from _waiting(self.latest)
            yield from _failed(self.latest)
            changes = [((state,), count) for state, count in self.latest.changes.items()]
            yield _counter("tocsin_changes", "News of changes, by the state they told.", ("state",), changes)
            yield from problem_metrics(self.latest.problems)
            yield from known_error_metrics(self.latest.known_errors)


class _ShardsCollector(Collector):
    """What this process works."""

    def __init__(self, shards: Callable[[], Sequence[Shard]]) -> None:
        self._shards = shards

    def collect(self) -> Iterator[Metric]:
        worked = [((shard.name,), int(shard.is_worked)) for shard in self._shards()]
        yield _gauge("tocsin_shard_worked", "1 if this process works the shard.", ("shard",), worked)


class _IngestCollector(Collector):
    """What was posted to this process."""

    def __init__(self, counts: IngestCounts) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        yield _counter(
            "tocsin_ingest_requests",
            "Requests that tools posted; result is accepted, repeated, quarantined or the problem.",
            ("source", "result"),
            self._counts.requests.items(),
        )
        alerts = [((source,), count) for source, count in self._counts.alerts.items()]
        yield _counter("tocsin_ingest_alerts", "Alerts accepted from tools.", ("source",), alerts)
        yield _counter(
            "tocsin_ingest_noticed",
            "Requests and alerts worth a look: tests, faults, what was cut, clocks ahead, why nothing was in it.",
            ("source", "what"),
            self._counts.noticed.items(),
        )
        yield from _identities(self._counts.lints)


def _identities(lints: Mapping[str, IdentityLint]) -> Iterator[Metric]:
    seen = [((source, name), count) for source, lint in lints.items() for name, count in lint.labels.items()]
    yield _counter(
        "tocsin_identity_alerts",
        "Alerts whose identity is made of labels.",
        ("source",),
        [((source,), lint.alerts) for source, lint in lints.items()],
    )
    yield _counter(
        "tocsin_identity_label_missing",
        "Alerts that lack a label of their identity.",
        ("source", "label"),
        [(names, count.missing) for names, count in seen],
    )
    yield _gauge(
        "tocsin_identity_label_values",
        "Different values of a label of identities, as far as they are counted.",
        ("source", "label"),
        [(names, len(count.values)) for names, count in seen],
    )


class _ConfigCollector(Collector):
    """The configuration in force."""

    def __init__(self, standing: Callable[[], Standing]) -> None:
        self._standing = standing

    def collect(self) -> Iterator[Metric]:
        standing = self._standing()
        yield GaugeMetricFamily(
            "tocsin_config_reload_failed",
            "1 if the last reload found mistakes, and changed nothing.",
            int(standing.failed),
        )
        yield GaugeMetricFamily(
            "tocsin_config_last_reload_success_timestamp_seconds",
            "When the configuration in force was taken up.",
            standing.loaded_at / 1000,
        )
        versions = [((standing.version,), 1)]
        yield _gauge("tocsin_config_info", "The configuration in force.", ("version",), versions)


def _accounting(figures: Figures) -> Iterator[Metric]:
    yield CounterMetricFamily("tocsin_alerts_accepted", "Alerts on durable storage.", figures.accepted)
    yield GaugeMetricFamily("tocsin_alerts_in_flight", "Alerts accepted, not decided on.", figures.in_flight)
    outcomes = [((name,), count) for name, count in figures.outcomes.items()]
    yield _counter("tocsin_alert_outcomes", "What became of alerts.", ("outcome",), outcomes)
    yield CounterMetricFamily(
        "tocsin_alerts_expired", "Alerts taken for resolved, as nothing was heard of them.", figures.expired
    )
    yield CounterMetricFamily(
        "tocsin_heartbeats_missed", "Heartbeats that did not come in time.", figures.heartbeats_missed
    )
    yield CounterMetricFamily(
        "tocsin_incidents_ungrouped",
        "Incidents of one alert that lacks a label to group by.",
        figures.missing_group_label,
    )


def _sla(happened: Mapping[str, int]) -> Iterator[Metric]:
    told = [(tuple(name.removeprefix("sla_").split(".")), count) for name, count in happened.items()]
    yield _counter(
        "tocsin_sla_clocks",
        "SLA clocks that gave a warning, were breached or met; target is acknowledge or resolve.",
        ("what", "target", "priority"),
        told,
    )


def _shadow(tried: Mapping[str, int]) -> Iterator[Metric]:
    yield _counter(
        "tocsin_shadow_decisions",
        "How often a rule in shadow would have done something else.",
        ("kind", "rule"),
        [(tuple(name.split(".", 1)), count) for name, count in tried.items()],
    )


def _suppression(figures: Figures) -> Iterator[Metric]:
    yield _counter(
        "tocsin_alerts_suppressed",
        "Alerts held back, by what held them.",
        ("kind",),
        [((kind,), count) for kind, count in figures.suppressed.items()],
    )
    states = [((state.value,), figures.silences.get(state.value, 0)) for state in SilenceState]
    yield _gauge("tocsin_silences", "Silences by their state.", ("state",), states)


def _quarantine(figures: QuarantineFigures) -> Iterator[Metric]:
    yield GaugeMetricFamily("tocsin_quarantine_requests", "Requests that were not understood.", figures.kept)
    yield _counter(
        "tocsin_quarantine_left",
        "Requests that left the quarantine: replayed, dropped or expired.",
        ("how",),
        [
            (("replayed",), figures.replayed),
            (("dropped",), figures.dropped),
            (("expired",), figures.expired),
        ],
    )


def _destinations(destinations: Mapping[str, DestinationFigures]) -> Iterator[Metric]:
    yield _gauge(
        "tocsin_tickets_pending",
        "Tickets that do not show yet what they should.",
        ("destination",),
        [((name,), each.pending) for name, each in destinations.items()],
    )
    yield _gauge(
        "tocsin_tickets_parked",
        "Tickets that failed for good and wait for a person.",
        ("destination",),
        [((name,), each.parked) for name, each in destinations.items()],
    )
    yield _gauge(
        "tocsin_destination_breaker_state",
        "Circuit breaker: 1 for the state it is in.",
        ("destination", "state"),
        [
            ((name, state.value), int(each.breaker == state))
            for name, each in destinations.items()
            for state in BreakerState
        ],
    )


def _waiting(figures: Figures) -> Iterator[Metric]:
    told = [((name,), depth) for name, depth in figures.mailboxes.items() if depth is not None]
    yield _gauge("tocsin_mailbox_messages", "Messages waiting or in hand.", ("mailbox",), told)
    yield GaugeMetricFamily("tocsin_spool_messages", "Messages waiting for the broker.", figures.spooled)


def _failed(figures: Figures) -> Iterator[Metric]:
    destinations = figures.destinations.items()
    yield _counter(
        "tocsin_deliveries_quarantined",
        "Wishes and answers of tools that could not be decided on.",
        ("destination",),
        [((name,), each.quarantined) for name, each in destinations],
    )
    of_delivery = sum(each.timers_failed for _, each in destinations)
    yield _counter(
        "tocsin_timers_failed",
        "Timers that raised, and were dropped.",
        ("stage",),
        [(("correlation",), figures.timers_failed), (("delivery",), of_delivery)],
    )


_Samples = Iterable[tuple[tuple[str, ...], int]]


def _counter(name: str, documentation: str, labels: tuple[str, ...], samples: _Samples) -> Metric:
    family = CounterMetricFamily(name, documentation, labels=labels)
    for values, count in samples:
        family.add_metric(values, count)
    return family


def _gauge(name: str, documentation: str, labels: tuple[str, ...], samples: _Samples) -> Metric:
    family = GaugeMetricFamily(name, documentation, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family
