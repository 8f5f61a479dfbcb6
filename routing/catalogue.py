"""The service catalogue: which services there are, what they are made of, and whose they are. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from domain.matching import Fields, compiled
from routing.calendars import Calendar

CI_FIELDS = ("ci", "resource", "host", "hostname", "instance", "node")
"""Where an alert may name its configuration item, in the order they are asked."""
_PORT = re.compile(r":\d{1,5}$")


class Criticality(StrEnum):
    """How much the business depends on a service."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Service:
    """An entry of the service catalogue."""

    name: str
    criticality: Criticality = Criticality.MEDIUM
    team: str = ""
    depends_on: tuple[str, ...] = ()
    cis: tuple[str, ...] = ()
    """Configuration items that it is made of: names, or patterns with * and ?."""
    support_hours: Calendar | None = None
    """When people look after it; None for around the clock."""
    customers: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()


NO_SERVICE = Service("")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All services, found by what alerts say."""

    services: Mapping[str, Service] = field(default_factory=dict)
    _names: Mapping[str, str] = field(init=False, repr=False, compare=False)
    _patterns: tuple[tuple[Any, str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        named = [(ci, service.name) for service in self.services.values() for ci in service.cis]
        names = {ci.casefold(): name for ci, name in reversed(named) if not is_pattern(ci)}
        object.__setattr__(self, "_names", names)
        patterns = tuple((glob(ci), name) for ci, name in named if is_pattern(ci))
        object.__setattr__(self, "_patterns", patterns)

    def service_of(self, fields: Fields | Mapping[str, str]) -> str:
        """Find the service that an alert, or an incident, is about: what it says itself, else its CI's.

        Empty where neither is known.
        """
        said = fields.get("service", "")
        if said or not (self._names or self._patterns):
            return said
        return next(filter(None, map(self.service_with, cis_named(fields))), "")

    def service_with(self, ci: str) -> str:
        """Name the service that a CI is part of; the first whose pattern fits where none names it."""
        name = ci.casefold()
        known = self._names.get(name)
        if known is not None:
            return known
        return next((service for pattern, service in self._patterns if pattern.fullmatch(name)), "")


def cis_named(fields: Fields | Mapping[str, str]) -> Iterator[str]:
    """List the names that a CI is given by labels; without the port of an address, too."""
    for label in CI_FIELDS:
        if name := fields.get(label, ""):
            yield name
            host = _PORT.sub("", name).removesuffix(".")
            if host and host != name:
                yield host


def is_pattern(ci: str) -> bool:
    """Tell whether it stands for several CIs."""
    return "*" in ci or "?" in ci


def glob(pattern: str) -> Any:
    """Compile a name with * for any letters and ? for one.

    >>> bool(glob("db-*.example").fullmatch("db-1.example")), bool(glob("db-?").fullmatch("db-10"))
    (True, False)
    """
    parts = {"*": ".*", "?": "."}
    return compiled("".join(parts.get(each) or re.escape(each) for each in pattern.casefold()))
