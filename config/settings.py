"""What the rest of Tocsin is given of the configuration: checked and compiled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from pydantic import SecretStr

from adapters.tickets import DestinationConfig
from config.api import ApiConfig
from config.expiry import next_expiry
from config.models import IngestConfig, TocsinConfig
from config.problems import Problem
from config.pruning import without
from config.shadows import is_shadow
from config.topology import Graph, needs_of, topology_of
from config.version import version_of
from correlation.change_rules import ChangeRules
from correlation.enrichment import EnrichRule, Lookup, Row, ServiceOfCi
from correlation.enrichment_models import ATTRIBUTES, EnrichConfig
from correlation.extent import ExtentRules
from correlation.maintenance_models import MaintenanceConfig
from correlation.problem_models import compile_known_errors, compile_problems
from correlation.rules import CorrelationRules, Fallback, QuarantineRule
from correlation.shadow_rules import ShadowRules
from ingest.models import AnySource
from routing.catalogue import Catalogue
from routing.models import compile_routing
from routing.priority_models import PriorityConfig
from routing.rules import RoutingRules


@dataclass(frozen=True, slots=True)
class Settings:
    """A configuration without mistakes."""

    sources: Mapping[str, AnySource]
    ingest: IngestConfig
    correlation: CorrelationRules
    routing: RoutingRules
    partitions: int
    partition_by: tuple[str, ...]
    destinations: Mapping[str, DestinationConfig]
    broker: SecretStr | None
    """RabbitMQ's URL; None for the embedded broker."""
    store: SecretStr | None
    """Redis' URL; None for the embedded store."""
    public_url: str
    api: ApiConfig
    warnings: tuple[Problem, ...]
    """What is allowed but hardly meant."""
    version: str
    """Names what it says; see ``version_of``."""
    calendars: tuple[MaintenanceConfig, ...] = ()
    """Rules whose windows are in a calendar, with its whole path."""
    expires: date | None = None
    """The first last day of a rule."""
    files: tuple[Path, ...] = ()
    """What it was read from."""


def compile_settings(
    config: TocsinConfig, warnings: tuple[Problem, ...], lookups: Mapping[str, Lookup], graph: Graph
) -> Settings:
    """Hand each part to whom it concerns; *lookups* are the tables that were read, by their rule."""
    version = version_of(config, [*(lookup.digest for lookup in lookups.values()), graph.digest])
    tree, config = config, without(config, is_shadow)
    correlation = replace(
        _correlation(config),
        enrich=(*_service_rules(config), *_enrich_rules(config, config.enrich, lookups)),
        shadows=_shadow_rules(tree, lookups),
        problems=compile_problems(config.problems),
        known_errors=compile_known_errors(config.known_errors),
        majors=tuple(rule.compile() for rule in config.major),
        inhibit=tuple(rule.compile() for rule in config.inhibit),
        maintenance=tuple(rule.compile() for rule in config.maintenance if not rule.ical),
        calendars=frozenset(rule.id for rule in config.maintenance if rule.ical),
        changes=_changes(config),
        topology=topology_of(config, graph),
        needs=needs_of(config),
        version=version,
        extent=_extent_rules(config.priority),
    )
    return Settings(
        sources=config.sources,
        ingest=config.ingest,
        correlation=correlation,
        routing=_routing(config, tree),
        partitions=config.correlation.partitions,
        partition_by=tuple(config.correlation.partition_by),
        destinations=config.destinations,
        broker=config.broker,
        store=config.store,
        public_url=config.public_url,
        api=config.api,
        warnings=warnings,
        version=version,
        expires=next_expiry(tree),
    )


def _routing(config: TocsinConfig, tree: TocsinConfig) -> RoutingRules:
    return compile_routing(
        services=config.services,
        priority=config.priority,
        templates=config.templates,
        routes=tree.routes,
        calendars=config.calendars,
        sla=config.sla,
        assignment=config.assignment,
        on_call=config.on_call,
        escalation=config.escalation,
        public_url=config.public_url,
    )


def _changes(config: TocsinConfig) -> ChangeRules | None:
    if config.changes is None:
        return None
    return config.changes.compile({name: each.depends_on for name, each in config.services.items()})


def _correlation(config: TocsinConfig) -> CorrelationRules:
    """Hand correlation its own part, and what sources and destinations say of it."""
    kept = config.ingest.quarantine
    return config.correlation.compile(
        {name: tuple(source.identity) for name, source in config.sources.items() if source.identity},
        {name: each.expect_every for name, each in config.sources.items() if each.expect_every},
        QuarantineRule(kept.max_count, kept.max_size, kept.max_age),
        {
            name: Fallback(each.fallback, each.fallback_after)
            for name, each in config.destinations.items()
            if each.fallback
        },
        config.destinations,
        has_topology=bool(config.topology),
    )


def _extent_rules(priority: PriorityConfig) -> ExtentRules | None:
    """Say what has to be kept of incidents for the rules on their priority."""
    rules = ExtentRules(*priority.asked_of_extent())
    return None if rules == ExtentRules() else rules


def _shadow_rules(tree: TocsinConfig, lookups: Mapping[str, Lookup]) -> ShadowRules:
    """Compile what is only tried; *tree* has it in its places."""
    groups = frozenset(rule.id for rule in tree.correlation.groups if is_shadow(rule))
    return ShadowRules(
        _correlation(tree) if groups else None,
        groups,
        _enrich_rules(tree, [rule for rule in tree.enrich if is_shadow(rule)], lookups),
        routes=without(tree.routes, is_shadow) is not tree.routes,
    )


def _enrich_rules(
    config: TocsinConfig, rules: Sequence[EnrichConfig], lookups: Mapping[str, Lookup]
) -> tuple[EnrichRule, ...]:
    services: dict[str, Row] = {
        name: {attribute: str(getattr(service, attribute)) for attribute in ATTRIBUTES}
        for name, service in config.services.items()
    }
    return tuple(rule.compile(lookups.get(rule.id), services) for rule in rules)


def _service_rules(config: TocsinConfig) -> tuple[EnrichRule, ...]:
    """Have alerts that name no service get that of their configuration item, where any service has some."""
    if not any(service.cis for service in config.services.values()):
        return ()
    catalogue = Catalogue({name: service.compile(name, {}) for name, service in config.services.items()})
    return (EnrichRule("services", ServiceOfCi(catalogue.service_of)),)
