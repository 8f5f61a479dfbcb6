"""Kapacitor's post handler, and the HTTP endpoint of InfluxDB 2's notification rules: one change of an alert's level.

https://docs.influxdata.com/kapacitor/v1/reference/event_handlers/post/ and
https://docs.influxdata.com/influxdb/v2/monitor-alert/notification-endpoints/
"""

from __future__ import annotations

from domain.alert import AlertState, Severity
from ingest.sources.build import Finding, build
from ingest.sources.loose import first_line, moment, plain
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post

TITLE = "Kapacitor and InfluxDB"

SEVERITIES = {
    "crit": Severity.CRITICAL,
    "critical": Severity.CRITICAL,
    "warn": Severity.MEDIUM,
    "warning": Severity.MEDIUM,
    "unknown": Severity.MEDIUM,
    "info": Severity.INFO,
    "ok": Severity.INFO,
}
_DUMP = ('{"', "{&#34;")
"""How the details begin where nobody wrote a template: the whole event once more."""


def parse(post: Post) -> Parsed:
    """Read one event.

    Raises:
        BadBody: if it has no id or no level that we know.
    """
    body = Node.json(post.body)
    return Parsed([build(post, _influxdb(body) if "_check_id" in body else _kapacitor(body))])


def _level(node: Node) -> tuple[AlertState, Severity]:
    level = node.required().lower()
    if level not in SEVERITIES:
        raise node.fault(f"{level!r} is none of {', '.join(SEVERITIES)}")
    return (AlertState.RESOLVED if level == "ok" else AlertState.FIRING), SEVERITIES[level]


def _kapacitor(body: Node) -> Finding:
    state, severity = _level(body["level"])
    series = body["data"]["series"][0]
    tags = series["tags"].flat()
    at = moment(body["time"])
    details = plain(body["details"])
    return Finding(
        # It holds the tags by which the alert is grouped, and stays over all levels.
        identity=(name := body["id"].required()),
        state=state,
        severity=severity,
        name=name,
        summary=first_line(plain(body["message"])),
        description="" if details.startswith(_DUMP) else details,
        service=tags.get("service", ""),
        resource=tags.get("host", ""),
        labels={**tags, "measurement": plain(series["name"])},
        annotations={"previous_level": plain(body["previousLevel"]), **_values(series)},
        starts_at=at - _millis(body["duration"]) if at else None,
        ends_at=at,
    )


def _millis(duration: Node) -> int:
    """Read how long it has not been OK, which comes in nanoseconds."""
    number = duration.value
    known = isinstance(number, int | float) and not isinstance(number, bool) and 0 <= number < 1 << 62
    return int(number) // 1_000_000 if known else 0


def _values(series: Node) -> dict[str, str]:
    columns, row = series["columns"].items(), series["values"][0]
    return {plain(column): plain(row[n]) for n, column in enumerate(columns) if plain(column) != "time"}


def _influxdb(body: Node) -> Finding:
    """Read the row of a status: fields with a ``_`` are InfluxDB's, texts are tags, numbers are what was measured."""
    state, severity = _level(body["_level"])
    rows = {key: node for key, node in body.fields() if not key.startswith("_")}
    tags = {key: plain(node) for key, node in rows.items() if isinstance(node.value, str)}
    at = moment(body["_status_timestamp"]) or moment(body["_time"])
    series = ",".join(f"{key}={tags[key]}" for key in sorted(tags))
    return Finding(
        identity="/".join(filter(None, [body["_check_id"].required(), series])),
        state=state,
        severity=severity,
        name=plain(body["_check_name"]),
        summary=first_line(plain(body["_message"])),
        service=tags.get("service", ""),
        resource=tags.get("host", ""),
        labels={
            **tags,
            "measurement": plain(body["_source_measurement"]),
            "check_type": plain(body["_type"]),
        },
        annotations={key: plain(node) for key, node in rows.items() if key not in tags},
        starts_at=None if state is AlertState.RESOLVED else at,
        ends_at=at,
    )
