"""Bodies that a template of the user's own writes: names in any spelling, placeholders left as they were."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import tzinfo

from domain.times import Millis
from ingest.sources.body import BadBody
from ingest.sources.node import Node

LONGEST_LINE = 300

_PUNCTUATION = re.compile(r"[^a-z0-9]+")
_UNFILLED = re.compile(
    r"\$[A-Z][A-Z0-9_]*(?:\[[^\]]*\])?|\$\{[^{}]*\}|\{\{[^{}]*\}\}|\{[A-Za-z$#][\w.:#$-]*\}|%\w+%|\*\w+\*"
)


class Loose:
    """Fields by what their names have in common: ``ALERT_ID``, ``alertId`` and ``alert-id`` are one.

    >>> Loose(Node({"ALERT_ID": 5, "link": "$LINK"})).text("alert_id", "link")
    '5'
    """

    __slots__ = ("_nodes", "path")

    def __init__(self, node: Node, *more: Node) -> None:
        """Take the fields of *node*, which must be an object, and those that only *more* have, if objects."""
        self.path = node.path
        self._nodes: dict[str, Node] = {}
        for part in (node, *(part for part in more if isinstance(part.value, dict))):
            for key, value in part.fields():
                if filled(value):
                    self._nodes.setdefault(_simple(key), value)

    def node(self, *names: str) -> Node:
        """Return the first of *names* that holds something."""
        found = (self._nodes.get(_simple(name)) for name in names)
        return next((node for node in found if node is not None), Node(None, self.path))

    def text(self, *names: str) -> str:
        """Return the first of *names* that holds text or a number; empty if none does."""
        texts = (plain(self.node(name)) for name in names)
        return next((text for text in texts if text), "")

    def moment(self, *names: str) -> Millis | None:
        """Return the first of *names* that holds a moment."""
        moments = (moment(self.node(name)) for name in names)
        return next((found for found in moments if found is not None), None)


def filled(node: Node) -> bool:
    """Whether there is something, and not the placeholder of something that the tool does not know."""
    return bool(node) and not (isinstance(node.value, str) and _UNFILLED.fullmatch(node.value.strip()))


def plain(node: Node) -> str:
    """Return it as text, without blanks around; empty where it is no text or number, or an unfilled placeholder."""
    return node.text().strip() if filled(node) and not isinstance(node.value, dict | list) else ""


def first_plain(node: Node) -> str:
    """Return the first of a list as text, or what stands there without one."""
    return plain(node[0]) if isinstance(node.value, list) else plain(node)


def moment(node: Node, zone: tzinfo | None = None) -> Millis | None:
    """Return it as a moment; None where it is not one: no alert is refused for its clock."""
    try:
        return node.moment(zone) if filled(node) else None
    except (BadBody, OverflowError):
        return None


def unquoted(node: Node) -> Node:
    """Return the object or list that is written into a text, as templates do; what is none stays as it is."""
    if not isinstance(node.value, str) or not node.value.lstrip().startswith(("{", "[")):
        return node
    try:
        return Node(Node.json(node.value.encode("utf-8", "replace")).value, node.path)
    except BadBody:
        return node


def objects(node: Node) -> list[Node]:
    """Return the objects of a list, which may be written into a text; none where it is no list."""
    items = unquoted(node)
    return (
        [item for item in items.items() if isinstance(item.value, dict)]
        if isinstance(items.value, list)
        else []
    )


def first_line(text: str) -> str:
    r"""Return the first line that says something, as a summary wants it.

    >>> first_line("\n  down \n for 5 m")
    'down'
    """
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"


def tags(node: Node) -> dict[str, str]:
    """Return tags as labels: ``env:prod`` or ``env=prod`` is a label, those without a value are listed under ``tags``.

    >>> tags(Node("env:prod, web")), tags(Node(["a", {"name": "b", "value": "c"}]))
    ({'env': 'prod', 'tags': 'web'}, {'b': 'c', 'tags': 'a'})
    """
    labels: dict[str, str] = {}
    bare: list[str] = []
    for key, value in _pairs(node):
        if value:
            labels.setdefault(key, value)
        elif key:
            bare.append(key)
    return labels | ({"tags": ",".join(bare)} if bare else {})


def merged(*parts: Mapping[str, str]) -> dict[str, str]:
    """Put labels together. The later wins, but nothing never wins.

    >>> merged({"level": "error", "team": "a"}, {"level": "", "team": "b"})
    {'level': 'error', 'team': 'b'}
    """
    return {key: value for part in parts for key, value in part.items() if value}


def _pairs(node: Node) -> Iterator[tuple[str, str]]:
    if isinstance(node.value, dict):
        yield from ((key, first_plain(value)) for key, value in node.fields())
    elif isinstance(node.value, list):
        for item in node.items():
            yield _pair(item)
    else:
        yield from (_split(part) for part in plain(node).split(","))


def _pair(item: Node) -> tuple[str, str]:
    """Read ``"env:prod"``, ``["env", "prod"]`` or ``{"name": "env", "value": "prod"}``."""
    if isinstance(item.value, list):
        return plain(item[0]), plain(item[1])
    if isinstance(item.value, dict):
        return plain(item.first("key", "name")), plain(item["value"])
    return _split(plain(item))


def _split(tag: str) -> tuple[str, str]:
    key, _, value = tag.strip().partition("=" if ":" not in tag else ":")
    return key.strip(), value.strip()


def _simple(name: str) -> str:
    return _PUNCTUATION.sub("", name.lower())
