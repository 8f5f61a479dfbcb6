"""Healthchecks: a job did not report in time, or does again. Its webhook sends a body of the user's own.

https://healthchecks.io/docs/configuring_notifications/ (placeholders: templates/integrations/webhook_form.html)
"""

from __future__ import annotations

import re

from domain.alert import AlertState, Severity
from ingest.sources.build import Finding, build
from ingest.sources.forms import form_or_json
from ingest.sources.loose import Loose, first_line
from ingest.sources.post import Parsed, Post

TITLE = "Healthchecks"

STATES = {
    "down": AlertState.FIRING,
    "trigger": AlertState.FIRING,
    "up": AlertState.RESOLVED,
    "resolve": AlertState.RESOLVED,
}
"""$STATUS, and the words of a body written like one for PagerDuty."""
QUIET = {"new", "grace", "paused", "started"}
TEST_NAME = "TEST"
"""Of the check that "Send test notification" makes up."""
_VERDICT = re.compile(r" is (?:DOWN|UP)$")


def parse(post: Post) -> Parsed:
    """Read one change of a check, from the body or from the query of a GET.

    Raises:
        BadBody: if it tells no status or names no check.
    """
    body = form_or_json(post)
    told = Loose(body, body["check"])
    word = told.node("status", "event_type").required().lower()
    if word in QUIET:
        return Parsed(nothing="not_an_alert")
    if word not in STATES:
        raise told.node("status", "event_type").fault(f"{word!r} is none of {', '.join(STATES)}")
    return Parsed([build(post, _finding(told, STATES[word]))])


def _finding(told: Loose, state: AlertState) -> Finding:
    name = told.text("name") or _VERDICT.sub("", told.text("title"))
    at = told.moment("now", "timestamp")
    tested = name == TEST_NAME and state is AlertState.FIRING
    return Finding(
        # The code of a check, which stays when it is renamed.
        identity=told.text("code", "uuid", "incident_key", "unique_key", "slug")
        or told.node("name").required(),
        state=AlertState.TEST if tested else state,
        severity=Severity.HIGH,
        name=name,
        summary=_summary(told, name, state),
        description=told.text("desc", "description"),
        resource=told.text("slug") or name,
        labels={"tags": ",".join(told.text("tags").split()), "exit_status": told.text("exitstatus")},
        annotations={"last_ping": told.text("last_ping"), "body": told.text("body")},
        starts_at=None if state is AlertState.RESOLVED else at,
        ends_at=at,
        url=told.text("url", "client_url", "update_url"),
    )


def _summary(told: Loose, name: str, state: AlertState) -> str:
    if told.text("title"):
        return first_line(told.text("title"))
    return f"{name} is {'up' if state is AlertState.RESOLVED else 'down'}"
