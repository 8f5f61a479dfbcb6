"""Falco's http_output, and Falcosidekick's webhook: one rule that matched. Nothing ever tells that it is over.

https://falco.org/docs/outputs/channels/ and https://github.com/falcosecurity/falcosidekick
"""

from __future__ import annotations

import re

from domain.alert import AlertState, Severity
from ingest.sources.build import Finding, build
from ingest.sources.loose import first_line, moment, plain, tags
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post

TITLE = "Falco"

SEVERITIES = {
    "emergency": Severity.CRITICAL,
    "alert": Severity.CRITICAL,
    "critical": Severity.CRITICAL,
    "error": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "notice": Severity.LOW,
    "informational": Severity.INFO,
    "info": Severity.INFO,
    "debug": Severity.INFO,
}
TEST_RULE = "Test rule"
"""Of Falcosidekick's ``POST /test``."""
_HEAD = re.compile(r"\d\d:\d\d:\d\d\.\d+: (?:[A-Z][a-z]+ )?")
"""Time and priority, which a rule's output begins with: the same is told of every event in fields of their own."""
_WHERE = ("k8s.ns.name", "k8s.pod.name", "container.name")
_LABELS = ("k8s.", "container.", "proc.name", "user.name", "aws.", "ka.")
"""Fields by which alerts may be grouped. The rest, such as process ids and times, is new with every event."""


def parse(post: Post) -> Parsed:
    """Read one event.

    Raises:
        BadBody: if it has no rule.
    """
    body = Node.json(post.body)
    rule, output = body["rule"].required(), plain(body["output"])
    fields = {key: text for key, text in body["output_fields"].flat().items() if text != "<NA>"}
    host = plain(body["hostname"]) or fields.get("evt.hostname", "")
    return Parsed(
        [
            build(
                post,
                Finding(
                    # Events have no identity: the rule and where it matched, so that repetitions are one alert.
                    identity="/".join(filter(None, [rule, host, *_where(fields)])),
                    state=AlertState.TEST if rule == TEST_RULE else AlertState.FIRING,
                    severity=SEVERITIES.get(plain(body["priority"]).lower(), Severity.MEDIUM),
                    name=rule,
                    summary=first_line(_said(output)),
                    description=output,
                    resource=host,
                    labels={**_part(fields, labels=True), **tags(body["tags"]), **_own(body)},
                    annotations=_part(fields, labels=False),
                    starts_at=moment(body["time"]),
                ),
            )
        ]
    )


def _said(output: str) -> str:
    head = _HEAD.match(output)
    return output[head.end() :] if head else output


def _where(fields: dict[str, str]) -> list[str]:
    """Name the container: by its id, which is new when it is restarted, only if there is nothing better."""
    known = {key: value for key, value in fields.items() if value != "host"}
    names = [known[key] for key in _WHERE if key in known]
    return names or [known[key] for key in ("container.id",) if key in known]


def _part(fields: dict[str, str], *, labels: bool) -> dict[str, str]:
    return {key: value for key, value in fields.items() if key.startswith(_LABELS) is labels}


def _own(body: Node) -> dict[str, str]:
    named = {key: plain(body[key]) for key in ("priority", "source")}
    return {"rule": plain(body["rule"]), **named}
