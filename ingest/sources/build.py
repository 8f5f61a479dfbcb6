"""Puts an alert together from what a parser found, with the same care for all tools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from domain.alert import Alert, AlertState, Severity
from domain.times import Millis
from ingest.sources.circumstances import not_after
from ingest.sources.post import Post

LONGEST_IDENTITY = 200


@dataclass(frozen=True, slots=True)
class Finding:
    """What a parser found of one alert; what the tool does not tell is left out."""

    identity: str
    """What stays the same from the problem to its recovery, however the tool's own ids change."""
    state: AlertState
    name: str
    severity: Severity = Severity.MEDIUM
    summary: str = ""
    description: str = ""
    service: str = ""
    resource: str = ""
    """The host, device, URL or other configuration item that is hit."""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    starts_at: Millis | None = None
    ends_at: Millis | None = None
    url: str = ""
    """Link back to the tool."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Others by name: runbook, dashboard, image, ..."""


def build(post: Post, found: Finding) -> Alert:
    """Make the alert. Moments ahead of ours are taken for now: a fast clock must not outrank what comes later."""
    at = post.received_at
    over = found.state is AlertState.RESOLVED
    ends_at = not_after(found.ends_at or at, at) if over else None
    starts_at = not_after(found.starts_at or ends_at or at, at)
    name = found.name or "unnamed alert"
    return Alert(
        source=post.source,
        fingerprint=_short(found.identity),
        state=found.state,
        severity=found.severity,
        name=name,
        summary=found.summary or name,
        labels=_labels(found),
        annotations={key: value for key, value in found.annotations.items() if value},
        starts_at=starts_at,
        ends_at=ends_at,
        service=found.service,
        url=found.url,
        description=found.description,
        resource=found.resource,
        links={key: value for key, value in found.links.items() if value},
    )


def _labels(found: Finding) -> dict[str, str]:
    """What the tool has as labels, and the normalised fields where it has none of that name: rules group by them."""
    labels = {key: value for key, value in found.labels.items() if value}
    for key, value in (("service", found.service), ("resource", found.resource)):
        if value:
            labels.setdefault(key, value)
    return labels


def _short(identity: str) -> str:
    if len(identity) <= LONGEST_IDENTITY:
        return identity
    return blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
