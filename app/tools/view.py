"""An alert as a flat object, for ``tocsin parse --json`` and the pages about tools."""

from __future__ import annotations

from domain.alert import Alert
from domain.times import to_text


def view(alert: Alert) -> dict[str, object]:
    """Show everything that a parser found; ``identity`` is what a recovery finds its problem by."""
    return {
        "state": alert.state.value,
        "identity": alert.fingerprint,
        "severity": alert.severity.value,
        "name": alert.name,
        "service": alert.service,
        "resource": alert.resource,
        "summary": alert.summary,
        "description": alert.description,
        "labels": alert.labels,
        "annotations": alert.annotations,
        "starts_at": to_text(alert.starts_at),
        "ends_at": None if alert.ends_at is None else to_text(alert.ends_at),
        "url": alert.url,
        "links": alert.links,
    }
