"""Azure Monitor's action groups: the common alert schema, and the older ones of each kind of alert.

https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema
https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-non-common-schema-definitions
https://learn.microsoft.com/azure/azure-monitor/alerts/activity-log-alerts-webhook
"""

from __future__ import annotations

from urllib.parse import quote

from domain.alert import Alert, AlertState, Severity
from ingest.sources.build import Finding, build
from ingest.sources.loose import first_line, merged, moment, plain
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post
from ingest.sources.severities import severity_of

TITLE = "Azure Monitor"

SEVERITIES = {
    "0": Severity.CRITICAL,
    "1": Severity.HIGH,
    "2": Severity.MEDIUM,
    "3": Severity.LOW,
    "4": Severity.INFO,
}
OVER = {"resolved", "deactivated"}
ENDED = {"resolved", "complete", "completed", "canceled", "cancelled"}
TESTER = "/subscriptions/11111111-1111-1111-1111-111111111111/"
"""What the button Test action group sends is of this subscription."""
PORTAL = "https://portal.azure.com/#blade/Microsoft_Azure_Monitoring/AlertDetailsTemplateBlade/alertId/"


def parse(post: Post) -> Parsed:
    """Read one alert.

    Raises:
        BadBody: if it is of no schema that is known.
    """
    document = Node.json(post.body)
    return Parsed([_alert(post, document)])


def _alert(post: Post, document: Node) -> Alert:
    data = document["data"]
    if "context" in document:
        return build(post, _metric(document))
    if "essentials" in data:
        return build(post, _common(data))
    if "activityLog" in data["context"]:
        return build(post, _activity_log(data))
    if "context" in data:
        return build(post, _metric(data))
    return build(post, _other(data, document["schemaId"]))


def _common(data: Node) -> Finding:
    """Read the common schema. Alerts of the activity log never come as resolved: the log itself says it."""
    essentials, context = data["essentials"], data["alertContext"]
    rule, target = essentials["alertRule"].required(), plain(essentials["alertTargetIDs"][0])
    logged, fired = "eventSource" in context, moment(essentials["firedDateTime"])
    over = _is_over(context) if logged else plain(essentials["monitorCondition"]).lower() in OVER
    alert_id = plain(essentials["alertId"])
    return Finding(
        identity=_log_identity(context, rule, target) if logged else _identity(essentials, rule, target),
        state=_tested(alert_id, over=over),
        severity=_severity(essentials["severity"]),
        name=rule,
        summary=first_line(plain(essentials["description"])) or _log_text(context) or rule,
        description=plain(essentials["description"]) or _log_text(context),
        service=plain(data.at("customProperties.service")),
        resource=plain(essentials["configurationItems"][0]) or _name(target),
        labels=merged(
            _custom(data["customProperties"], context["properties"] if not logged else Node(None)),
            _target(target),
            {"signal": plain(essentials["signalType"])},
            {"monitoring_service": plain(essentials["monitoringService"])},
            _dimensions(context["condition"]),
        ),
        starts_at=None if over else fired,
        ends_at=moment(essentials.first("resolvedDateTime", "firedDateTime")),
        url=plain(essentials["investigationLink"]) or (PORTAL + quote(alert_id, safe="") if alert_id else ""),
        links=_links(context["condition"]),
    )


def _tested(where: str, *, over: bool) -> AlertState:
    if where.lower().startswith(TESTER):
        return AlertState.TEST
    return AlertState.RESOLVED if over else AlertState.FIRING


def _identity(essentials: Node, rule: str, target: str) -> str:
    """Take the id of the alert, which is one from Fired to Resolved."""
    alert = essentials.first("alertId", "originAlertId").text()
    return _last(alert) or f"{rule}/{target}".lower()


def _severity(given: Node) -> Severity:
    word = plain(given)
    return SEVERITIES.get(word.lower().removeprefix("sev").strip()) or severity_of(word)


def _activity_log(data: Node) -> Finding:
    """Read an alert of the activity log in its old schema: something happened to a resource, or to Azure."""
    log = data.at("context.activityLog")
    target, kind = plain(log["resourceId"]), plain(log.first("operationName", "eventSource"))
    title = plain(_properties(log)["title"]) or kind or log["eventSource"].required()
    over = _is_over(log)
    return Finding(
        identity=_log_identity(log, "" if target else title, target),
        state=_tested(f"/subscriptions/{plain(log['subscriptionId'])}/", over=over),
        severity=severity_of(plain(log["level"])),
        name=title,
        summary=first_line(_log_text(log)) or title,
        description=_log_text(log),
        resource=_name(target) or plain(_properties(log)["service"]),
        labels=merged(
            _custom(data["properties"]),
            _target(target or f"/subscriptions/{plain(log['subscriptionId'])}"),
            {"event_source": plain(log["eventSource"]), "operation": kind, "status": plain(log["status"])},
        ),
        starts_at=None if over else moment(log["eventTimestamp"]),
        ends_at=moment(log["eventTimestamp"]),
    )


def _is_over(log: Node) -> bool:
    """Read the end of a trouble of Azure or of the health of a resource. Operations have no end: they only succeed."""
    properties = _properties(log)
    # The source may be a number instead; then the operation is Microsoft.ServiceHealth/incident/action.
    where = f"{plain(log['eventSource'])} {plain(log['operationName'])}".lower()
    if "servicehealth" not in where and "resourcehealth" not in where:
        return False
    words = (log["status"], properties["stage"])
    return (
        any(plain(word).lower() in ENDED for word in words)
        or plain(properties["currentHealthStatus"]) == "Available"
    )


def _log_identity(log: Node, rule: str, target: str) -> str:
    """Name what it is about: each entry of the log makes an alert with an id of its own, and maybe another title."""
    tracking = plain(_properties(log)["trackingId"])
    return tracking or "/".join(filter(None, [rule, target, plain(log["operationName"])])).lower()


def _log_text(log: Node) -> str:
    return plain(_properties(log).first("communication", "details", "title", "cause"))


def _properties(log: Node) -> Node:
    properties = log["properties"]
    return properties if isinstance(properties.value, dict) else Node(None, properties.path)


def _metric(data: Node) -> Finding:
    """Read an alert on a metric in one of its two old schemas."""
    context, over = data["context"], data["status"].required().lower() in OVER
    name, target = context["name"].required(), plain(context["resourceId"])
    dimensions = _dimensions(context["condition"])
    return Finding(
        identity="/".join(filter(None, [plain(context["id"]) or name, target, *dimensions.values()])).lower(),
        state=_tested(plain(context["id"]), over=over),
        severity=_severity(context["severity"]),
        name=name,
        summary=first_line(plain(context["description"])) or name,
        description=plain(context["description"]),
        service=plain(data.at("properties.service")),
        resource=plain(context["resourceName"]) or _name(target),
        labels=merged(_custom(data["properties"]), _target(target), dimensions),
        starts_at=None if over else moment(context["timestamp"]),
        ends_at=moment(context["timestamp"]),
        url=plain(context["portalLink"]),
    )


def _dimensions(condition: Node) -> dict[str, str]:
    """Return what an alert is split by, and its metric. In the oldest schema the condition is the criterion."""
    if not isinstance(condition.value, dict):
        return {}
    criterion = condition["allOf"][0] if "allOf" in condition else condition
    pairs = {plain(pair["name"]): plain(pair["value"]) for pair in criterion["dimensions"].items()}
    return {"metric": plain(criterion["metricName"]), **pairs}


def _links(condition: Node) -> dict[str, str]:
    criterion = condition["allOf"][0] if isinstance(condition.value, dict) else Node(None)
    return {"search": plain(criterion["linkToSearchResultsUI"])}


def _other(data: Node, schema: Node) -> Finding:
    """Read a log search alert in its old schema, or a budget: neither ever ends."""
    told = data.first("AlertRuleName", "BudgetName", "SmartDetectorName")
    name, target = told.required(), plain(data["AffectedConfigurationItems"][0])
    return Finding(
        identity="/".join(filter(None, [plain(data["SubscriptionId"]), name, target])).lower(),
        state=AlertState.FIRING,
        severity=_severity(data["Severity"]),
        name=name,
        summary=first_line(plain(data["Description"])) or name,
        description=plain(data["Description"]),
        resource=_name(target),
        labels={"schema": plain(schema), "subscription": plain(data["SubscriptionId"])},
        starts_at=moment(data["SearchIntervalEndtimeUtc"]),
        links={"search": plain(data["LinkToSearchResults"])},
    )


def _custom(*given: Node) -> dict[str, str]:
    """Return the custom properties of a rule as labels."""
    return {key: text for node in given if isinstance(node.value, dict) for key, text in node.flat().items()}


def _target(target: str) -> dict[str, str]:
    """Take apart the id of a resource."""
    parts = target.strip("/").split("/")
    named = {key.lower(): value for key, value in zip(parts[::2], parts[1::2], strict=False)}
    return {
        "resource_id": target if len(named) > 1 else "",
        "subscription": named.get("subscriptions", ""),
        "resource_group": named.get("resourcegroups", ""),
    }


def _name(target: str) -> str:
    """Return the name of a resource; a subscription alone is none."""
    return _last(target) if "/providers/" in target.lower() or "/" not in target else ""


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]
