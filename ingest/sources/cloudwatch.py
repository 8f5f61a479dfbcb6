"""Alarms of Amazon CloudWatch, in its two spellings: that of SNS messages, and that of EventBridge and Lambda.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from domain.alert import AlertState, Severity
from ingest.sources.build import Finding
from ingest.sources.loose import first_line, merged, moment, plain, tags
from ingest.sources.node import Node
from ingest.sources.severities import severity_of

_ARN = re.compile(r"arn:aws:cloudwatch:([\w-]+):")


def alarm_of_message(alarm: Node, topic: str = "") -> Finding:
    """Read one change of state as SNS tells it: ``AlarmName``, ``NewStateValue``, ``Trigger``."""
    trigger = alarm["Trigger"]
    return _Change(
        name=alarm["AlarmName"].required(),
        arn=plain(alarm["AlarmArn"]),
        contributor=plain(alarm["AlarmContributorId"]),
        state=alarm["NewStateValue"].required(),
        reason=plain(alarm["NewStateReason"]),
        description=plain(alarm["AlarmDescription"]),
        dimensions=_dimensions(trigger),
        labels=merged(
            tags(alarm["AlarmTags"]),
            _metric(_metrics(trigger)[0], "MetricName", "Namespace"),
            {"account": plain(alarm["AWSAccountId"]), "region": plain(alarm["Region"])},
            {"topic": topic.rpartition(":")[2]},
        ),
        changed=alarm["StateChangeTime"],
    ).finding()


def alarm_of_event(detail: Node, arn: str, labels: dict[str, str], time: Node) -> Finding:
    """Read one change of state as EventBridge tells it: ``alarmName``, ``state``, ``configuration``.

    An alarm that is deleted will say nothing any more, so it is over.
    """
    state = detail["state"]
    metrics = [part.at("metricStat.metric") for part in detail.at("configuration.metrics").items()]
    dimensions = {key: value for metric in metrics for key, value in metric["dimensions"].flat().items()}
    attributes = detail.at("alarmContributor.attributes").flat()
    deleted = plain(detail["operation"]) == "delete"
    return _Change(
        name=detail["alarmName"].required(),
        arn=arn,
        contributor=plain(detail.at("alarmContributor.id")),
        state="OK" if deleted else state["value"].required(),
        reason="The alarm was deleted." if deleted else plain(state["reason"]),
        description=plain(detail.at("configuration.description")),
        dimensions={**dimensions, **attributes},
        labels=merged(
            tags(detail["alarmTags"]),
            _metric(metrics[0], "name", "namespace") if metrics else {},
            labels,
        ),
        changed=time if deleted else state["timestamp"] or time,
    ).finding()


@dataclass(frozen=True, slots=True)
class _Change:
    """What both spellings tell of a change of state."""

    name: str
    arn: str
    contributor: str
    """One of the many series that one alarm may watch; each is OK or not by itself."""
    state: str
    reason: str
    description: str
    dimensions: dict[str, str]
    labels: dict[str, str]
    changed: Node

    def finding(self) -> Finding:
        """Say it in our words. INSUFFICIENT_DATA means that nobody knows: still something to look at."""
        over, changed = self.state.upper() == "OK", moment(self.changed)
        return Finding(
            identity=self._identity(),
            state=AlertState.RESOLVED if over else AlertState.FIRING,
            severity=_severity(self.state, self.labels),
            name=self.name,
            summary=first_line(self.description) or self.name,
            description=self.reason,
            service=self.labels.get("service", ""),
            resource=_resource(self.dimensions),
            labels=merged(self.dimensions, self.labels, {"state": self.state}),
            annotations={"description": self.description},
            starts_at=None if over else changed,
            ends_at=changed,
            url=console_url(self.arn, self.name),
        )

    def _identity(self) -> str:
        """Take the ARN, or what it is made of: alarms of long ago come without."""
        labels = self.labels
        alarm = self.arn or "/".join(filter(None, [labels.get("account"), labels.get("region"), self.name]))
        return f"{alarm}/{self.contributor}" if self.contributor else alarm


def _resource(dimensions: dict[str, str]) -> str:
    """Take the dimension that names something, like InstanceId or BucketName, before those that sort it."""
    naming = (value for key, value in dimensions.items() if key.endswith(("Id", "Identifier", "Name")))
    return next(naming, next(iter(dimensions.values()), ""))


def _severity(state: str, labels: dict[str, str]) -> Severity:
    """CloudWatch has none: people put it in a tag of the alarm."""
    if state.upper() == "INSUFFICIENT_DATA":
        return Severity.LOW
    return severity_of(labels.get("severity", labels.get("Severity", "")))


def _metrics(trigger: Node) -> list[Node]:
    """Return the metrics of an alarm: it has a list of them (metric math), or is one itself."""
    listed = [metric.at("MetricStat.Metric") for metric in trigger["Metrics"].items()]
    return [metric for metric in listed if metric] or [trigger]


def _dimensions(trigger: Node) -> dict[str, str]:
    return {
        plain(dimension.first("name", "Name")): plain(dimension.first("value", "Value"))
        for metric in _metrics(trigger)
        for dimension in metric["Dimensions"].items()
    }


def _metric(metric: Node, name: str, namespace: str) -> dict[str, str]:
    return {"metric": plain(metric[name]), "namespace": plain(metric[namespace])}


def console_url(arn: str, name: str) -> str:
    """Make the link that the message lacks. Only the ARN has the region's real name.

    >>> console_url("arn:aws:cloudwatch:eu-west-1:1:alarm:CPU high", "CPU high")
    'https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#alarmsV2:alarm/CPU%20high'
    """
    region = match[1] if (match := _ARN.match(arn)) else ""
    alarm = quote(name, safe="", errors="replace")
    home = f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
    return f"{home}#alarmsV2:alarm/{alarm}" if region else ""
