"""Site24x7's webhook: the state of a monitor, as JSON, as a form or in the query.

https://www.site24x7.com/help/admin/third-party-integrations/webhooks.html
"""

from __future__ import annotations

from domain.alert import AlertState, Severity
from ingest.sources.build import Finding, build
from ingest.sources.forms import form_or_json
from ingest.sources.loose import Loose, first_line, tags
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post

TITLE = "Site24x7"

SEVERITIES = {"DOWN": Severity.CRITICAL, "CRITICAL": Severity.HIGH, "TROUBLE": Severity.MEDIUM}
QUIET = {"MAINTENANCE", "SUSPENDED", "DISCOVERY", "CONFIGURATION ERROR", "NOT MONITORED"}


def parse(post: Post) -> Parsed:
    """Read one change of a monitor.

    Raises:
        BadBody: if it names no monitor or no status that we know.
    """
    told = Loose(form_or_json(post))
    status = told.node("status")
    word = status.required().strip().upper()
    if word in QUIET:
        return Parsed(nothing="not_an_alert")
    if word != "UP" and word not in SEVERITIES:
        raise status.fault(f"{word!r} is none of UP, {', '.join(SEVERITIES)}")
    return Parsed([build(post, _finding(told, word))])


def _finding(told: Loose, word: str) -> Finding:
    name, reason = told.text("monitorname"), told.text("incident_reason", "reason")
    at = told.moment("incident_time_iso", "outage_time_unix_format")
    return Finding(
        # The id has 18 digits; nothing here ever makes a float of it.
        identity=told.text("monitor_id") or told.node("monitorname").required(),
        state=AlertState.RESOLVED if word == "UP" else AlertState.FIRING,
        severity=SEVERITIES.get(word, Severity.MEDIUM),
        name=name,
        # A recovery repeats the reason of the outage: that is over.
        summary=first_line(f"{name} is {word}" + (f": {reason}" if reason and word != "UP" else "")),
        description=told.text("incident_details") or reason,
        resource=told.text("monitorurl") or name,
        labels={**_tags(told), **_labels(told), "status": word},
        annotations={
            "failed_locations": told.text("failed_locations"),
            "outage_duration": told.text("outage_duration"),
        },
        starts_at=None if word == "UP" else at,
        ends_at=at,
        url=told.text("monitor_dashboard_link"),
        links={"root cause": told.text("rca_link")},
    )


def _labels(told: Loose) -> dict[str, str]:
    return {
        "monitor_id": told.text("monitor_id"),
        "monitor_type": told.text("monitortype"),
        "group": told.text("monitor_groupname"),
        "customer": told.text("msp_customer_name", "bu_name"),
    }


def _tags(told: Loose) -> dict[str, str]:
    """Read the tags, which a form holds as the text of a list: ``[a:b, c]``."""
    node = told.node("tags")
    if isinstance(node.value, str):
        node = Node(node.value.strip("[] ").replace('"', ""))
    return tags(node)
