"""Alertmanager's webhook, version 4.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from domain.alert import Alert, AlertState
from domain.times import Millis, to_millis
from ingest.sources.body import BadBody, NotJson, convert, decode, load
from ingest.sources.circumstances import not_after
from ingest.sources.fingerprint import fingerprint
from ingest.sources.post import Parsed, Post, each
from ingest.sources.severities import severity_of

Labels = Annotated[dict[str, str], msgspec.Meta(min_length=1)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]

TITLE = "Prometheus Alertmanager"
NAMELESS = "unnamed alert"
DEAD_MANS_SWITCHES = frozenset({"Watchdog", "DeadMansSwitch"})
"""Alerts that fire always, so that their absence tells that something is broken."""
LINKS = {"runbook_url": "runbook", "dashboard_url": "dashboard"}
"""Annotations that by custom hold links."""
_STATES: dict[str | None, AlertState] = {
    state.value: state for state in (AlertState.FIRING, AlertState.RESOLVED)
}


class LabelledAlert(msgspec.Struct, rename="camel", gc=False):
    """What the webhook and the push to Alertmanager have in common."""

    labels: Labels
    annotations: dict[str, str] | None = None
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    generator_url: str = msgspec.field(name="generatorURL", default="")


class _WebhookAlert(LabelledAlert, rename="camel", gc=False):
    status: Literal["firing", "resolved"] | None = None
    fingerprint: str = ""


class _Webhook(msgspec.Struct, gc=False):
    alerts: list[_WebhookAlert]


_decoder = msgspec.json.Decoder(_Webhook)


def parse(post: Post) -> Parsed:
    """Read one webhook. The state is each alert's own; that of the envelope says only whether any fires.

    Raises:
        BadBody: if it is not one.
    """
    try:
        alerts = [_alert(given, post) for given in decode(_decoder, post.body).alerts]
    except NotJson:
        raise
    except BadBody as error:
        return _one_by_one(post, error)
    return Parsed(alerts, (), "" if alerts else "empty")


def _one_by_one(post: Post, error: BadBody) -> Parsed:
    """Find the good among the bad."""
    document = load(post.body)
    parts = document.get("alerts") if isinstance(document, dict) else None
    if not isinstance(parts, list):
        raise error
    return each(parts, lambda n: _alert(convert(parts[n], _WebhookAlert, f"alerts[{n}]"), post), "alerts")


def _alert(given: _WebhookAlert, post: Post) -> Alert:
    return build(
        given,
        _STATES.get(given.status),
        given.fingerprint or fingerprint(given.labels),
        post.received_at,
        post.source,
    )


def build(
    given: LabelledAlert, state: AlertState | None, identity: str, received_at: Millis, source: str
) -> Alert:
    """Say it in our words. Without a *state*, an alert whose end has come is resolved, as in Alertmanager."""
    labels, annotations = given.labels, given.annotations or {}
    ends_at = _millis(given.ends_at)
    if state is None:
        state = AlertState.FIRING if ends_at is None or ends_at > received_at else AlertState.RESOLVED
    if ends_at is not None:
        ends_at = not_after(ends_at, received_at) if state is AlertState.RESOLVED else None
    starts_at = _millis(given.starts_at)
    if state is AlertState.FIRING and labels.get("alertname") in DEAD_MANS_SWITCHES:
        state = AlertState.HEARTBEAT
    name = labels.get("alertname") or NAMELESS
    return Alert(
        source,
        identity,
        state,
        severity_of(labels.get("severity", "")),
        name,
        _summary(annotations) or name,
        labels,
        annotations,
        received_at if starts_at is None else not_after(starts_at, received_at),
        ends_at,
        labels.get("service", ""),
        given.generator_url,
        annotations.get("description", ""),
        labels.get("instance") or labels.get("pod") or labels.get("node") or labels.get("host") or "",
        {} if LINKS.keys().isdisjoint(annotations) else _links(annotations),
    )


def _links(annotations: dict[str, str]) -> dict[str, str]:
    return {name: link for key, name in LINKS.items() if (link := annotations.get(key))}


def _summary(annotations: dict[str, str]) -> str:
    get = annotations.get
    return get("summary") or get("message") or get("description") or ""


def _millis(moment: datetime | None) -> Millis | None:
    """Convert; Go's zero time, year 1, stands for none."""
    return None if moment is None or moment.year <= 1 else to_millis(moment)
