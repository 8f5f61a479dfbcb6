"""What is known of a tool besides its parser: how its requests look, and what it wants for an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ingest.sources.body import BadBody
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Parser, Post


class Kind(StrEnum):
    """What a body may claim to be."""

    JSON = "application/json"
    FORM = "application/x-www-form-urlencoded"
    MULTIPART = "multipart/form-data"
    TEXT = "text/plain"
    ANY = "anything"

    @classmethod
    def of(cls, header: str) -> Kind | None:
        """Tell the kind of a ``Content-Type``; without one it is JSON. None for those that have no name here.

        >>> Kind.of("application/vnd.x+json; charset=utf-8").name, Kind.of("").name, Kind.of("image/png")
        ('JSON', 'JSON', None)
        """
        name = header.partition(";")[0].strip().lower()
        if name in ("", Kind.JSON) or (name.startswith("application/") and name.endswith("+json")):
            return cls.JSON
        return _NAMED.get(name)


_NAMED = {kind.value: kind for kind in (Kind.FORM, Kind.MULTIPART, Kind.TEXT)}
CURL = frozenset({Kind.JSON, Kind.FORM, Kind.TEXT})
"""What people who write the command or the template themselves send JSON as: curl calls all of it a form."""


class Style(StrEnum):
    """Whose answers the senders know."""

    TOCSIN = "tocsin"
    PAGERDUTY = "pagerduty"
    OPSGENIE = "opsgenie"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One kind of source."""

    type: str
    title: str
    parse: Parser
    parse_push: Parser | None = None
    """Reads what Prometheus pushes, where the source can stand in for an Alertmanager."""
    methods: tuple[str, ...] = ("POST",)
    kinds: frozenset[Kind] = CURL
    """What its bodies may claim to be."""
    style: Style = Style.TOCSIN
    delivery_headers: tuple[str, ...] = ()
    """Headers that together name a delivery, the same when it is sent again."""
    delivery_id: Callable[[Post], str] | None = None
    """Finds the name of a delivery in the body, where no header has it."""

    def accepts(self, header: str) -> bool:
        """Tell whether a body with this ``Content-Type`` is looked at."""
        return Kind.ANY in self.kinds or Kind.of(header) in self.kinds

    def read(self, post: Post) -> Parsed:
        """Read what the tool sends. A list sent to where webhooks go is a push all the same.

        Raises:
            BadBody: if it is not what the tool sends.
        """
        if self.parse_push is not None and post.body.lstrip()[:1] == b"[":
            return self.parse_push(post)
        return self.parse(post)


def message_id(post: Post) -> str:
    """Name a message of SNS that came without its headers."""
    return _text(post, "MessageId")


def event_ids(post: Post) -> str:
    """Name a structured CloudEvent; a batch of them has no name of its own."""
    names = [_text(post, part) for part in ("source", "id")]
    return " ".join(names) if all(names) else ""


def _text(post: Post, key: str) -> str:
    try:
        return Node.json(post.body)[key].text()
    except BadBody:
        return ""


def by_type(*tools: Tool) -> Mapping[str, Tool]:
    """Make the table of tools, in the order of their names."""
    return {tool.type: tool for tool in sorted(tools, key=lambda tool: tool.type)}
