"""Plain fields of a test file to alerts, as a tool would tell of them."""

from __future__ import annotations

from msgspec.structs import replace

from app.rehearsal.models import AlertInput, ChangeInput
from domain.alert import Alert, AlertState
from domain.change import Change
from domain.times import Millis
from ingest.sources.build import Finding, build
from ingest.sources.post import Post


class Teller:
    """Remembers which alerts fire, as monitoring tools do: a repeat and a recovery name when it all began."""

    def __init__(self, start: Millis) -> None:
        self._start = start
        self._firing: dict[str, Alert] = {}

    def alert(self, told: AlertInput, source: str, now: Millis) -> Alert:
        """Make the alert that is told of now."""
        identity = told.identity or _identity(told)
        known = self._firing.get(identity)
        began = known.starts_at if known else now
        if told.began is not None:
            began = self._start + told.began
        severity = known.severity if known and "severity" not in told.model_fields_set else told.severity
        labels = {"alertname": told.name, "severity": severity.value, **told.labels}
        alert = build(
            Post(b"", now, source),
            Finding(
                identity=identity,
                state=told.state,
                name=told.name,
                severity=severity,
                summary=told.summary,
                service=told.service or told.labels.get("service", ""),
                resource=told.resource,
                labels=labels,
                starts_at=began,
                ends_at=now,
            ),
        )
        return self._remembered(identity, alert)

    def change(self, told: ChangeInput, source: str, now: Millis) -> Change:
        """Make the change that is told of now."""
        ends_at = now if told.state.is_over else None
        return Change(
            id=f"{source}/{told.id}",
            source=source,
            kind=told.kind,
            state=told.state,
            at=now,
            title=told.title or told.id,
            services=tuple(told.services),
            resources=tuple(told.resources),
            environment=told.environment,
            starts_at=now if told.starts is None else self._start + told.starts,
            ends_at=ends_at if told.ends is None else self._start + told.ends,
            actor=told.by,
        )

    def _remembered(self, identity: str, alert: Alert) -> Alert:
        if alert.state is AlertState.RESOLVED:
            self._firing.pop(identity, None)
            return alert
        self._firing[identity] = alert
        return replace(alert, ends_at=None)


def _identity(told: AlertInput) -> str:
    parts = [
        told.name,
        told.service,
        told.resource,
        *(f"{key}={value}" for key, value in sorted(told.labels.items())),
    ]
    return "|".join(parts)
