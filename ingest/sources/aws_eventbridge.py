"""Amazon EventBridge through an API destination: changes of CloudWatch alarms, and events of other AWS services.

Also what a CloudWatch alarm hands to a Lambda, which has the same parts in other places.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
"""

from __future__ import annotations

from domain.alert import Alert, AlertState, Severity
from ingest.sources.build import Finding, build
from ingest.sources.cloudwatch import alarm_of_event, alarm_of_message
from ingest.sources.loose import first_line, merged, moment, plain, tags
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post, each
from ingest.sources.severities import severity_of

TITLE = "Amazon EventBridge"

CONFIGURED = "CloudWatch Alarm Configuration Change"
CATEGORIES = {
    "issue": Severity.HIGH,
    "investigation": Severity.MEDIUM,
    "scheduledchange": Severity.LOW,
    "accountnotification": Severity.INFO,
}
"""detail.eventTypeCategory of AWS Health."""


def parse(post: Post) -> Parsed:
    """Read one event, or the list of them that a pipe sends.

    Raises:
        BadBody: if it is none.
    """
    document = Node.json(post.body)
    if not isinstance(document.value, list):
        return event(post, document)
    events = document.items()
    return each(events, lambda place: next(iter(event(post, events[place]).alerts), None), "")


def event(post: Post, given: Node) -> Parsed:
    """Read one event."""
    if plain(given["detail-type"]) == CONFIGURED and plain(given.at("detail.operation")) != "delete":
        return Parsed(nothing="not_an_alert")
    return Parsed([_alert(post, given)])


def _alert(post: Post, given: Node) -> Alert:
    if "AlarmName" in given:
        return build(post, alarm_of_message(given))
    if "alarmData" in given:
        return build(
            post, alarm_of_event(given["alarmData"], plain(given["alarmArn"]), _where(given), given["time"])
        )
    detail, kind = given["detail"], given["detail-type"].required()
    if "alarmName" in detail:
        return build(post, alarm_of_event(detail, plain(given["resources"][0]), _where(given), given["time"]))
    if kind == "AWS Health Event":
        return build(post, _health(detail, given))
    if "findings" in detail:
        return build(post, _security_hub(detail["findings"][0], given))
    return build(post, _other(detail, given))


def _where(given: Node) -> dict[str, str]:
    return {
        "account": plain(given.first("account", "accountId")),
        "region": plain(given["region"]),
        "source": plain(given["source"]),
    }


def _health(detail: Node, given: Node) -> Finding:
    """Read what AWS says of its own services. It is over when its status says so."""
    kind = detail["eventTypeCode"].required()
    text = plain(detail["eventDescription"][0]["latestDescription"])
    entities = detail["affectedEntities"].items()
    over = plain(detail["statusCode"]) == "closed"
    return Finding(
        identity=plain(detail["eventArn"]) or kind,
        state=AlertState.RESOLVED if over else AlertState.FIRING,
        severity=CATEGORIES.get(plain(detail["eventTypeCategory"]).lower(), Severity.MEDIUM),
        name=kind,
        summary=first_line(text) or kind,
        description=text,
        service=plain(detail["service"]),
        resource=plain(entities[0]["entityValue"]) if entities else plain(given["resources"][0]),
        labels=merged(tags(entities[0]["tags"]) if entities else {}, _where(given), {"type": kind}),
        # The start of the event stays, its updates come with later times: an update must not look like the end.
        starts_at=None if over else moment(given["time"]),
        ends_at=moment(given["time"]),
    )


def _security_hub(found: Node, given: Node) -> Finding:
    """Read a finding. It is over when it is archived, or somebody marked it as resolved or suppressed."""
    over = plain(found["RecordState"]) == "ARCHIVED" or plain(found.at("Workflow.Status")) in {
        "RESOLVED",
        "SUPPRESSED",
    }
    name = found["Title"].required()
    return Finding(
        identity=found["Id"].required(),
        state=AlertState.RESOLVED if over else AlertState.FIRING,
        severity=severity_of(plain(found.at("Severity.Label"))),
        name=name,
        description=plain(found["Description"]),
        resource=plain(found["Resources"][0]["Id"]),
        labels=merged(
            _where(given), {"account": plain(found["AwsAccountId"]), "product": plain(found["ProductName"])}
        ),
        starts_at=None if over else moment(given["time"]),
        ends_at=moment(given["time"]),
        url=plain(found["SourceUrl"]),
    )


def _other(detail: Node, given: Node) -> Finding:
    """Read any other event, like a finding of GuardDuty: it has no end, and a severity from 0 to 10 if at all."""
    kind, resource = plain(given["detail-type"]), plain(given["resources"][0])
    name = plain(detail["title"]) or kind
    key = plain(detail.first("id", "arn")) or resource or name
    return Finding(
        identity=f"{plain(given['source']) or kind}/{key}",
        state=AlertState.FIRING,
        severity=_severity(detail["severity"]),
        name=name,
        description=plain(detail["description"]),
        resource=resource or plain(detail.at("resource.instanceDetails.instanceId")),
        labels={**_where(given), "type": plain(detail["type"]) or kind},
        starts_at=moment(given["time"]),
    )


def _severity(given: Node) -> Severity:
    """GuardDuty: 9 and more is critical, 7 high, 4 medium."""
    if isinstance(given.value, bool) or not isinstance(given.value, int | float):
        return severity_of(plain(given))
    steps = ((9, Severity.CRITICAL), (7, Severity.HIGH), (4, Severity.MEDIUM))
    return next((severity for least, severity in steps if given.value >= least), Severity.LOW)
