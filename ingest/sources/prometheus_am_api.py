"""What Prometheus and Thanos push to an Alertmanager: its API v2, ``POST /api/v2/alerts``.

https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from __future__ import annotations

from typing import Any

import msgspec

from domain.alert import Alert
from ingest.sources.alertmanager import LabelledAlert, build
from ingest.sources.body import BadBody, NotJson, convert, decode, load
from ingest.sources.fingerprint import fingerprint
from ingest.sources.post import Parsed, Post, each

TITLE = "Prometheus (Alertmanager API)"


class _Pushed(LabelledAlert, rename="camel", gc=False):
    alerts: msgspec.Raw | None = None
    """Of a group, as the API answers ``GET /api/v2/alerts/groups``: such an answer may be replayed."""


_decoder = msgspec.json.Decoder(list[_Pushed])


def parse(post: Post) -> Parsed:
    """Read one push. Identity and state come out as they would by way of a real Alertmanager.

    Raises:
        BadBody: if it is not one.
    """
    try:
        pushed = decode(_decoder, post.body)
    except NotJson:
        raise
    except BadBody as error:
        return _one_by_one(post, error)
    if any(given.alerts is not None for given in pushed):
        return _one_by_one(post, BadBody("should be a list of alerts"))
    return Parsed([_alert(given, post) for given in pushed], (), "" if pushed else "empty")


def _one_by_one(post: Post, error: BadBody) -> Parsed:
    """Find the good among the bad."""
    document = load(post.body)
    if not isinstance(document, list) or not document:
        raise error
    parts, paths = _members(document)
    return each(parts, lambda n: _alert(convert(parts[n], LabelledAlert, paths[n]), post), "")


def _members(document: list[Any]) -> tuple[list[Any], list[str]]:
    """Give the alerts, those of groups too, each with its place."""
    found: list[tuple[Any, str]] = []
    for n, part in enumerate(document):
        members = part.get("alerts") if isinstance(part, dict) else None
        if isinstance(members, list):
            found += [(member, f"[{n}].alerts[{m}]") for m, member in enumerate(members)]
        else:
            found.append((part, f"[{n}]"))
    return [part for part, _ in found], [path for _, path in found]


def _alert(given: LabelledAlert, post: Post) -> Alert:
    if "" in given.labels.values():  # for Prometheus an empty label is no label
        given.labels = {name: value for name, value in given.labels.items() if value}
    return build(given, None, fingerprint(given.labels), post.received_at, post.source)
