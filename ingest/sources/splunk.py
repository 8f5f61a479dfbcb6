"""Splunk's webhook alert action: one saved search that found something, with the first row of what it found.

https://docs.splunk.com/Documentation/Splunk/latest/Alert/Webhooks
"""

from __future__ import annotations

import re

from domain.alert import Alert, AlertState
from ingest.sources.body import BadBody
from ingest.sources.build import Finding, build
from ingest.sources.loose import Loose, first_line, merged, moment, plain
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post
from ingest.sources.severities import severity_of

TITLE = "Splunk"

_RUN = re.compile(r"_(?:at_)?\d{9,}(?:[_.].*)?$")
"""What of the id of a job says which run it was."""


def parse(post: Post) -> Parsed:
    """Read what one search found. There is no end: Splunk only tells when a search finds something.

    Raises:
        BadBody: if it is not from Splunk.
    """
    return Parsed([_alert(post, Node.json(post.body))])


def _alert(post: Post, document: Node) -> Alert:
    row = _row(document["result"])
    told = Loose(row)
    name, host = _name(document), told.text("host", "hostname", "dest", "src", "orig_host")
    return build(
        post,
        Finding(
            # Each run has a new id. What one search finds on two hosts are two troubles.
            identity=f"{name}/{host}" if host else name,
            state=AlertState.FIRING,
            severity=severity_of(told.text("severity", "urgency", "priority", "level", "log_level")),
            name=name,
            summary=first_line(told.text("message", "msg", "description", "reason", "_raw")) or name,
            description=told.text("description", "message", "_raw"),
            service=told.text("service", "service_name"),
            resource=host,
            labels=merged(_labels(row), {"app": plain(document["app"]), "owner": plain(document["owner"])}),
            annotations={"sid": plain(document["sid"])},
            starts_at=moment(row["_time"]),
            url=plain(document["results_link"]),
        ),
    )


def _row(result: Node) -> Node:
    """Return the first row; there is none if a search found that there is nothing."""
    return result if isinstance(result.value, dict) else Node({}, result.path)


def _name(document: Node) -> str:
    """Return the name of the saved search. A search that is not saved has only the id of its job."""
    sid = plain(document["sid"])
    name = plain(document["search_name"]) or _RUN.sub("", sid)
    if not name:
        raise BadBody("is missing", "search_name")
    return name


def _labels(row: Node) -> dict[str, str]:
    """Return the fields of the row, without what Splunk adds for its own use."""
    return {
        key: text
        for key, text in row.flat().items()
        if not key.startswith(("_", "date_"))
        and key not in {"linecount", "punct", "timestartpos", "timeendpos"}
    }
