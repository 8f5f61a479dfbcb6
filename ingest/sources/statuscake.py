"""StatusCake's webhook of a contact group: an uptime test is down or up again. A form, or the query of a GET.

https://www.statuscake.com/kb/knowledge-base/how-to-use-the-web-hook-url/
"""

from __future__ import annotations

from domain.alert import AlertState, Severity
from ingest.sources.build import Finding, build
from ingest.sources.forms import form_or_json
from ingest.sources.loose import Loose, tags
from ingest.sources.post import Parsed, Post

TITLE = "StatusCake"

STATES = {"down": AlertState.FIRING, "up": AlertState.RESOLVED}


def parse(post: Post) -> Parsed:
    """Read one change of a test. The field ``Token`` is a secret, and goes nowhere.

    Raises:
        BadBody: if it names no test or no status that we know.
    """
    told = Loose(form_or_json(post))
    status = told.node("status")
    state = STATES.get(status.required().strip().lower())
    if state is None:
        raise status.fault(f"{status.text()!r} is neither Up nor Down")
    return Parsed([build(post, _finding(told, state))])


def _finding(told: Loose, state: AlertState) -> Finding:
    url = told.text("url", "website_url")
    name = told.text("name") or url
    code = told.text("statuscode")
    word = "up" if state is AlertState.RESOLVED else "down"
    return Finding(
        # Old tests send no id: then it is what they are of.
        identity=told.text("testid", "id")
        or "/".join(filter(None, [name, url]))
        or told.node("url").required(),
        state=state,
        severity=Severity.HIGH,
        name=name,
        summary=f"{name} is {word}" + (f": status {code}" if code and word == "down" else ""),
        resource=url or told.text("ip") or name,
        labels={
            **tags(told.node("tags")),
            "test_id": told.text("testid", "id"),
            "method": told.text("method"),
            "status_code": code,
            "ip": told.text("ip"),
        },
        annotations={"check_rate": told.text("checkrate"), "contact_group": told.text("contactgroup")},
    )
