"""Google Cloud Monitoring's webhook: one incident of an alerting policy, bare or in the envelope of a Pub/Sub push.

https://cloud.google.com/monitoring/support/notification-options#webhooks
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping

from domain.alert import AlertState
from ingest.sources.build import Finding, build
from ingest.sources.loose import first_line, merged, moment, plain
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post
from ingest.sources.severities import severity_of

TITLE = "Google Cloud Monitoring"

NAMING = (
    *("instance_name", "host", "pod_name", "node_name", "service_name", "function_name", "database_id"),
    *("subscription_id", "topic_id", "bucket_name", "queue_id", "cluster_name", "instance_id"),
)
"""Labels of monitored resources that name one, the most telling first."""


def parse(post: Post) -> Parsed:
    """Read one incident.

    Raises:
        BadBody: if it is none.
    """
    document = Node.json(post.body)
    if "message" in document:
        document = _pushed(document["message"]["data"])
    return Parsed([build(post, _incident(document["incident"], plain(document["version"])))])


def _pushed(data: Node) -> Node:
    try:
        body = b64decode(data.required())
    except ValueError:
        raise data.fault("should be base64") from None
    return Node(Node.json(body).value, data.path)


def _incident(incident: Node, version: str) -> Finding:
    """Read an incident; its id is one from open to closed."""
    policy, condition = plain(incident["policy_name"]), plain(incident["condition_name"])
    summary = plain(incident["summary"])
    labels = _labels(incident)
    return Finding(
        identity=incident["incident_id"].required(),
        state=_state(incident["state"], version),
        severity=severity_of(plain(incident["severity"]) or labels.get("severity", "")),
        name=policy or condition,
        summary=first_line(summary),
        description=plain(_part(incident["documentation"])["content"]) or summary,
        service=labels.get("service", ""),
        resource=_resource(incident, labels),
        labels=labels,
        annotations={
            "summary": summary,
            "observed_value": plain(incident["observed_value"]),
            "threshold_value": plain(incident["threshold_value"]),
        },
        starts_at=moment(incident["started_at"]),
        ends_at=moment(incident["ended_at"]),
        url=plain(incident["url"]),
        links=_links(_part(incident["documentation"])),
    )


def _resource(incident: Node, labels: Mapping[str, str]) -> str:
    """Name what is hit; in place of a name there may be its kind and all labels, of which one is a name."""
    name = plain(incident.first("resource_display_name", "resource_name", "resource_id"))
    if " labels {" not in name:
        return name
    return next((labels[key] for key in NAMING if labels.get(key)), name)


def _state(state: Node, version: str) -> AlertState:
    """Read the state; the test of a channel has a version of its own."""
    if version == "test":
        return AlertState.TEST
    return AlertState.RESOLVED if state.required().lower() == "closed" else AlertState.FIRING


def _labels(incident: Node) -> dict[str, str]:
    """Gather the labels of the policy, the resource and the metric; the policy's are people's own, and win."""
    metadata = _part(incident["metadata"])
    parts = (
        _part(incident["metric"])["labels"],
        _part(incident["resource"])["labels"],
        metadata["user_labels"],
        incident["policy_user_labels"],
    )
    labels = {
        key: text for part in parts if isinstance(part.value, dict) for key, text in part.flat().items()
    }
    return merged(
        labels,
        {
            "condition": plain(incident["condition_name"]),
            "metric": plain(_part(incident["metric"])["type"]),
            "resource_type": plain(_part(incident["resource"])["type"]),
            "project": plain(incident["scoping_project_id"]) or labels.get("project_id", ""),
        },
    )


def _part(node: Node) -> Node:
    """Return an object; none for what is something else, as the documentation is text in old versions."""
    return (
        node if isinstance(node.value, dict) else Node({"content": node.value} if node else None, node.path)
    )


def _links(documentation: Node) -> dict[str, str]:
    links = documentation["links"]
    pairs = links.items() if isinstance(links.value, list) else []
    return {plain(pair["displayName"]): plain(pair["url"]) for pair in pairs}
