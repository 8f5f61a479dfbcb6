"""Adds to an alert what the tool does not know: from tables, patterns and the catalogue. Pure.

Done once for each alert that is opened, before it is grouped; a repeat is never opened. What makes an alert's identity
is looked at before, so that a table that changes does not make another alert of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from msgspec.structs import replace

from domain.alert import Alert
from domain.fields import AlertFields
from domain.matching import Matcher

Row = Mapping[str, str]
NOTHING: Row = {}


class Finder(Protocol):
    """Where a rule finds what to add."""

    def find(self, fields: AlertFields) -> Row:
        """Return labels and their values; empty if there are none."""
        ...

    def missing(self, fields: AlertFields) -> str:
        """Say why nothing was found."""
        ...


@dataclass(frozen=True, slots=True)
class Given:
    """The same for every alert that the rule matches."""

    labels: Row

    def find(self, fields: AlertFields) -> Row:  # noqa: ARG002 - the protocol's
        """Return them."""
        return self.labels

    def missing(self, fields: AlertFields) -> str:  # noqa: ARG002 - the protocol's
        """Say that this cannot be."""
        return "it has nothing to add"


@dataclass(frozen=True, slots=True)
class Lookup:
    """A table with one row for each value, or each combination of values, of some fields."""

    file: str
    on: tuple[str, ...]
    rows: Mapping[tuple[str, ...], Row]
    digest: str = ""
    """Of the file, to tell one version of it from another."""

    def find(self, fields: AlertFields) -> Row:
        """Return what the table has in the alert's row."""
        return self.rows.get(self._key(fields), NOTHING)

    def missing(self, fields: AlertFields) -> str:
        """Name the row that is not there."""
        wanted = ", ".join(f"{name}={value}" for name, value in zip(self.on, self._key(fields), strict=True))
        return f"{self.file} has no row for {wanted}"

    def _key(self, fields: AlertFields) -> tuple[str, ...]:
        return tuple([fields.get(name) for name in self.on])


@dataclass(frozen=True, slots=True)
class Extract:
    """Parts of a field's value: the named groups of a pattern."""

    name: str
    pattern: Any = field(compare=False)
    """RE2."""
    written: str

    def find(self, fields: AlertFields) -> Row:
        """Return the groups that took part, by name."""
        found = self.pattern.search(fields.get(self.name))
        return {name: value for name, value in found.groupdict().items() if value} if found else NOTHING

    def missing(self, fields: AlertFields) -> str:
        """Show what was searched."""
        return f"{self.name} is {fields.get(self.name)!r}, without anything like {self.written!r}"


@dataclass(frozen=True, slots=True)
class FromCatalogue:
    """What the service catalogue says of the alert's service."""

    services: Mapping[str, Row]

    def find(self, fields: AlertFields) -> Row:
        """Return what is known of the service."""
        return self.services.get(fields.get("service"), NOTHING)

    def missing(self, fields: AlertFields) -> str:
        """Name the service that is not there."""
        return f"the catalogue says nothing of service {fields.get('service')!r}"


@dataclass(frozen=True, slots=True)
class ServiceOfCi:
    """The service that the alert's configuration item is part of."""

    service_of: Callable[[AlertFields], str]

    def find(self, fields: AlertFields) -> Row:
        """Return the service, if it is known."""
        service = self.service_of(fields)
        return {"service": service} if service else NOTHING

    def missing(self, fields: AlertFields) -> str:  # noqa: ARG002 - the protocol's
        """Say that no service has it."""
        return "no service of the catalogue has its configuration item"


@dataclass(frozen=True, slots=True)
class EnrichRule:
    """What is added to which alerts."""

    id: str
    finder: Finder
    match: Matcher = field(default_factory=Matcher)
    overwrite: bool = False
    """Whether a value that is there already is replaced."""


@dataclass(frozen=True, slots=True)
class Enrichment:
    """What one rule did, for people."""

    rule: str
    added: Row
    why_not: str = ""
    """Why nothing was added."""


def enriched(alert: Alert, rules: Sequence[EnrichRule]) -> Alert:
    """Apply the rules in order; each sees what those before it added."""
    for rule in rules:
        fields = AlertFields(alert)
        if rule.match.matches(fields):
            alert = _with(alert, _added(alert, rule, fields))
    return alert


def enrichments(alert: Alert, rules: Sequence[EnrichRule]) -> Iterator[Enrichment]:
    """Tell what ``enriched`` does, rule by rule."""
    for rule in rules:
        fields = AlertFields(alert)
        miss = rule.match.miss(fields)
        if miss is not None:
            yield Enrichment(rule.id, NOTHING, miss)
            continue
        added = _added(alert, rule, fields)
        found = rule.finder.find(fields)
        known = f"the alert has {' and '.join(found)} already"
        yield Enrichment(rule.id, added, "" if added else known if found else rule.finder.missing(fields))
        alert = _with(alert, added)


def _added(alert: Alert, rule: EnrichRule, fields: AlertFields) -> Row:
    found = rule.finder.find(fields)
    if rule.overwrite or not found:
        return found
    return {name: value for name, value in found.items() if not _has(alert, name)}


def _has(alert: Alert, name: str) -> bool:
    """Tell whether the alert says something of *name*."""
    return bool(alert.labels.get(name)) or (name in _FIELDS and bool(getattr(alert, name)))


def _with(alert: Alert, added: Row) -> Alert:
    if not added:
        return alert
    return replace(
        alert,
        labels={**alert.labels, **added},
        service=added.get("service", alert.service),
        resource=added.get("resource", alert.resource),
    )


_FIELDS = frozenset({"service", "resource"})
"""Labels that are fields of their own, too."""
