"""Bodies that are one list of named values: JSON, a form, or the query of a GET; what is in them, a template decides.

So names are compared without case and punctuation (``HOST.NAME``, ``host_name`` and ``hostName`` are one), and a
macro that the tool did not expand counts as absent. An object in an object is read as ``outer.inner``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, tzinfo
from urllib.parse import parse_qsl

from domain.times import Millis
from ingest.sources.body import BadBody
from ingest.sources.forms import MULTIPART, form
from ingest.sources.moments import parse_moment
from ingest.sources.node import Node
from ingest.sources.post import Post

DEEPEST = 3
_PUNCTUATION = re.compile(r"[\W_]+")
_UNEXPANDED = re.compile(
    r"\{\{?[$#?]?[A-Z][A-Z0-9_.:$# \"'-]*\}"  # Zabbix {HOST.NAME}, {$MACRO}
    r"|\*UNKNOWN\*"  # Zabbix, of one that has no value here
    r"|\$\{[^{}]*\}"  # SolarWinds ${N=Alerting;M=AlertID}
    r"|\$[\w.:-]+\$"  # Nagios $HOSTNAME$, Icinga $host.name$
    r"|\{\{[^{}]*\}\}"  # LibreNMS {{ $alert->name }}
    r"|%[a-z]+%?"  # PRTG %sensorid
)
_NEXT_FIELD = re.compile(r"&\s*(?=[A-Za-z_][\w.]*=)")
_NEVER_ENCODED = re.compile(r"[\s\"<>\x7f-\U0010ffff]")


class Flat:
    """The values of a body, by name."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.given = {name: text for name, text in fields.items() if text.strip()}
        """As the tool names them, without those that are empty or were not expanded."""
        self._by_key: dict[str, str] = {}
        self._unexpanded: set[str] = set()
        for name, text in list(self.given.items()):
            if _UNEXPANDED.fullmatch(text.strip()):
                self._unexpanded.add(_key(name))
                del self.given[name]
            else:
                self._by_key.setdefault(_key(name), text.strip())

    @classmethod
    def of(cls, post: Post) -> Flat:
        """Read a request.

        Raises:
            BadBody: if its body is neither a JSON object nor a form.
        """
        document = read(post)
        if not isinstance(document.value, dict):
            raise document.fault("should be an object")
        return cls.of_node(document)

    @classmethod
    def of_node(cls, node: Node) -> Flat:
        """Read an object of a document."""
        return cls(dict(_flattened(node)))

    def __call__(self, *names: str) -> str:
        """Return the first of *names* that has a value, or nothing."""
        return next((text for name in names if (text := self._by_key.get(_key(name)))), "")

    def required(self, *names: str) -> str:
        """Return the first of *names* that has a value.

        Raises:
            BadBody: if none has.
        """
        text = self(*names)
        if not text:
            raise BadBody("is missing", names[0])
        return text

    def unexpanded(self, *names: str) -> bool:
        """Whether one of *names* came as the bare macro, which is what a tool's test button sends."""
        return any(_key(name) in self._unexpanded for name in names)

    def moment(self, *names: str, zone: tzinfo | None = None) -> Millis | None:
        """Return the first of *names* that can be read as a moment: a template's odd format loses no alert."""
        for name in names:
            try:
                if (text := self(name)) and (moment := parse_moment(text, zone or UTC)):
                    return moment
            except (ValueError, OverflowError):
                continue
        return None

    def named(self, **names: str) -> dict[str, str]:
        """Return those values that there are, under other names: ``named(ip="HOST.IP")``."""
        return {ours: text for ours, theirs in names.items() if (text := self(theirs))}


def read(post: Post) -> Node:
    """Read JSON or a form; a form's only field ``payload`` stands for the JSON in it.

    Raises:
        BadBody: if it is neither.
    """
    body = post.body.strip()
    if post.content_type == MULTIPART or (not body and post.query):
        return form(post)
    if body[:1] in {b"{", b"["} or b"=" not in body:
        return Node.json(body)
    fields = _form(body.decode("utf-8-sig", "replace"))
    return Node.json(fields["payload"].encode()) if list(fields) == ["payload"] else Node(fields)


def one_line(text: str, longest: int = 250) -> str:
    r"""Return the first line that is not empty.

    >>> one_line("\n  Disk full \non web1")
    'Disk full'
    """
    line = text.strip().partition("\n")[0].strip()
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _form(text: str) -> dict[str, str]:
    """Read a form; PRTG and SolarWinds put values into it as they are, with spaces and line breaks."""
    if not _NEVER_ENCODED.search(text):
        return dict(parse_qsl(text, keep_blank_values=True))
    pairs = (part.partition("=") for part in _NEXT_FIELD.split(text))
    return {name.strip(): value for name, _, value in pairs}


def _flattened(node: Node, above: str = "", depth: int = 1) -> Iterator[tuple[str, str]]:
    for key, part in node.fields():
        name = f"{above}.{key}" if above else key
        if isinstance(part.value, dict):
            if depth < DEEPEST:
                yield from _flattened(part, name, depth + 1)
        elif part.value is not None and not isinstance(part.value, list):
            yield name, part.text()


def _key(name: str) -> str:
    return _PUNCTUATION.sub("", name).lower()
