"""Bodies that are one list of named values: JSON, a form, or the query of a GET; what is in them, a template decides.

So names are compared without case and punctuation (``HOST.NAME``, ``host_name`` and ``hostName`` are one), and a
macro that the tool did not expand counts as absent. An object in an object is read as ``outer.inner``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl

from domain.times import Millis
from ingest.sources.body import BadBody, NotJson
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
_ODD_ESCAPE = re.compile(r'\\(?!["\\/bfnrt]|u[0-9a-fA-F]{4})')
_NEXT_FIELD = re.compile(r"&\s*(?=[A-Za-z_][\w.]*=)")
_NEXT_LINE = re.compile(r"&[ \t]*\r?\n\s*(?=[A-Za-z_][\w.]*=)")
_ANY_ORDER = re.compile(r"\d\d?/\d\d?/\d{4}")
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

    def moment(self, *names: str) -> Millis | None:
        """Return the first of *names* that can be read as a moment: a template's odd format loses no alert.

        3/11/2025 is none: whether the day or the month is first is a setting of a user, and to guess it wrong would
        put a recovery before its problem.
        """
        for name in names:
            try:
                text = self(name)
                if text and not _ANY_ORDER.match(text) and (moment := parse_moment(text)):
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
        return _json(body)
    fields = _form(body.decode("utf-8-sig", "replace"))
    return _json(fields["payload"].encode()) if list(fields) == ["payload"] else Node(fields)


def one_line(text: str, longest: int = 250) -> str:
    r"""Return the first line that is not empty.

    >>> one_line("\n  Disk full \non web1")
    'Disk full'
    """
    line = text.strip().partition("\n")[0].strip()
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _json(body: bytes) -> Node:
    """Read JSON, also where a template put line breaks and backslashes into its texts as they are."""
    try:
        return Node.json(body)
    except NotJson:
        mended = _mended(body)
        if mended is None:
            raise
    return Node.json(mended)


def _mended(body: bytes) -> bytes | None:
    text = _ODD_ESCAPE.sub(r"\\\\", body.decode("utf-8-sig", "replace"))
    try:
        return json.dumps(json.loads(text, strict=False)).encode()
    except (ValueError, RecursionError):
        return None


def _form(text: str) -> dict[str, str]:
    """Read a form; PRTG and SolarWinds put values into it as they are, with spaces and line breaks."""
    if not _NEVER_ENCODED.search(text):
        return dict(parse_qsl(text, keep_blank_values=True))
    # One field a line, as SolarWinds documents it, leaves links in values whole.
    next_field = _NEXT_LINE if _NEXT_LINE.search(text) else _NEXT_FIELD
    pairs = (part.partition("=") for part in next_field.split(text))
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
