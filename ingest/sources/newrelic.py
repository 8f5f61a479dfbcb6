"""New Relic's webhooks: an issue by a workflow, in the default template or another, or a classic channel's incident.

https://docs.newrelic.com/docs/alerts/get-notified/notification-integrations/
https://docs.newrelic.com/docs/alerts-applied-intelligence/new-relic-alerts/advanced-alerts/advanced-techniques/customize-your-webhook-payload/
"""

from __future__ import annotations

from domain.alert import Alert, AlertState
from ingest.sources.body import BadBody
from ingest.sources.build import Finding, build
from ingest.sources.forms import form_or_json
from ingest.sources.loose import Loose, first_line, first_plain, merged, objects, plain, tags
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post
from ingest.sources.severities import severity_of

TITLE = "New Relic"

STATES = {
    "acknowledged": AlertState.ACKNOWLEDGED,
    "closed": AlertState.RESOLVED,
    "resolved": AlertState.RESOLVED,
    "test": AlertState.TEST,
}
"""All others are problems: created, activated, open, and deactivated, which may come back until it is closed."""


def parse(post: Post) -> Parsed:
    """Read one issue or incident.

    Raises:
        BadBody: if it is neither.
    """
    return Parsed([_alert(post, Loose(form_or_json(post)))])


def _alert(post: Post, told: Loose) -> Alert:
    state = STATES.get(_state_word(told), AlertState.FIRING)
    name = _name(told)
    return build(
        post,
        Finding(
            identity=_identity(told),
            state=state,
            severity=severity_of(told.text("priority", "severity")),
            name=name,
            summary=first_line(told.text("title", "issue_title", "details", "short_description")) or name,
            description=told.text("details", "description", "condition_description", "long_description"),
            service=_tags(told).get("service", "") or told.text("service", "application_name"),
            resource=_resource(told),
            labels=merged(_tags(told), _ids(told), {"state": _state_word(told)}),
            starts_at=None if state is AlertState.RESOLVED else _since(told),
            ends_at=told.moment("closed_at", "issue_closed_at", "updated_at", "timestamp"),
            url=told.text("issue_url", "issue_page_url", "incident_url", "alert_url", "url"),
            links=_links(told),
        ),
    )


def _identity(told: Loose) -> str:
    """Take the id of the issue or incident: it stays until that is closed, and the next has another.

    A template may lack it; then it is the condition, and what that is about.
    """
    condition = first_plain(told.node("condition_name", "alert_condition_names", "condition_names"))
    found = told.text("issue_id", "incident_id", "id") or (condition and f"{condition}/{_resource(told)}")
    if not found:
        raise BadBody("is missing", "issueId")
    return found


def _state_word(told: Loose) -> str:
    return told.text("current_state", "state", "issue_state", "status").lower()


def _since(told: Loose) -> int | None:
    return told.moment("created_at", "issue_created_at", "activated_at", "timestamp")


def _name(told: Loose) -> str:
    """Take the condition's name, which says the same each time."""
    condition = first_plain(told.node("condition_name", "alert_condition_names", "condition_names"))
    title = told.text("title", "issue_title", "alert_policy_name", "policy_name")
    return condition or title or _policy(told) or "New Relic issue"


def _policy(told: Loose) -> str:
    return first_plain(told.node("policy_name", "alert_policy_names", "policy_names"))


def _targets(told: Loose) -> list[Node]:
    """Return what a classic incident is about; a form has it as text."""
    return objects(told.node("targets", "entities"))


def _resource(told: Loose) -> str:
    entities = first_plain(told.node("impacted_entities", "entity_names", "entity_name", "host"))
    return entities or next((name for target in _targets(told) if (name := plain(target["name"]))), "")


def _tags(told: Loose) -> dict[str, str]:
    """Gather tags: a template may add them, a classic target has labels."""
    labels = {key: text for target in _targets(told) for key, text in tags(target["labels"]).items()}
    return labels | tags(told.node("tags", "labels"))


def _ids(told: Loose) -> dict[str, str]:
    return {
        "policy": _policy(told),
        "condition": first_plain(told.node("condition_name", "alert_condition_names", "condition_names")),
        "workflow": told.text("workflow_name"),
        "account": told.text("account_name", "account_id", "nr_account_id"),
        "source": first_plain(told.node("sources")),
        "owner": told.text("owner"),
    }


def _links(told: Loose) -> dict[str, str]:
    return {
        "runbook": first_plain(told.node("runbook_url", "runbook_urls")),
        "acknowledge": told.text("incident_acknowledge_url", "issue_ack_url", "acknowledge_url"),
        "policy": told.text("policy_url"),
        "chart": told.text("violation_chart_url", "chart_url"),
        "target": next((link for target in _targets(told) if (link := plain(target["link"]))), ""),
    }
