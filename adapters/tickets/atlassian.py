"""How Jira writes text: as a document ("Atlassian Document Format") on Cloud, as wiki markup on Data Center. Pure."""

from __future__ import annotations

import re
from typing import Any

from adapters.tickets.text import clean, cut

LONGEST = 30_000
"""Jira keeps 32,767 characters of a text field; markup counts."""
# "Text formatting notation": a backslash before one of these makes it plain. Two backslashes are a line break.
_WIKI = re.compile(r"([{}\[\]*_+^~?!|#@-])")


def to_adf(text: str, url: str = "") -> dict[str, Any]:
    """Show plain text as it is, and below it a link.

    >>> to_adf("down")["content"]
    [{'type': 'paragraph', 'content': [{'type': 'text', 'text': 'down'}]}]
    """
    nodes: list[dict[str, Any]] = []
    for number, line in enumerate(cut(clean(text), LONGEST).split("\n")):
        nodes += [{"type": "hardBreak"}] if number else []
        nodes += [{"type": "text", "text": line}] if line else []  # an empty text node is refused
    parts = [nodes] if nodes else []
    if url:
        parts.append([{"type": "text", "text": url, "marks": [{"type": "link", "attrs": {"href": url}}]}])
    return {
        "version": 1,
        "type": "doc",
        "content": [{"type": "paragraph", "content": part} for part in parts],
    }


def to_wiki(text: str, url: str = "") -> str:
    r"""Show plain text as it is, and below it a link.

    >>> print(to_wiki("a *b* {c}", "https://x.example"))
    a \*b\* \{c\}
    <BLANKLINE>
    [https://x.example]
    """
    plain = cut(clean(text), LONGEST).replace("&", "&amp;").replace("\\", "&#92;")
    escaped = cut(_WIKI.sub(r"\\\1", plain), LONGEST)
    return f"{escaped}\n\n[{url}]" if url else escaped


def plain_text(body: object) -> str:
    r"""Read the text of a comment or description, whichever way it came.

    >>> plain_text(to_adf("one\ntwo", "https://x.example"))
    'one\ntwo\nhttps://x.example'
    """
    if not isinstance(body, dict):
        return body if isinstance(body, str) else ""
    text: list[str] = []
    waiting: list[object] = [body]
    while waiting:  # not recursive: a hostile document may be deep
        node = waiting.pop()
        if not isinstance(node, dict):
            continue
        if isinstance(node.get("text"), str):
            text.append(node["text"])
        if node.get("type") in {"hardBreak", "paragraph", "heading"} and text:
            text.append("\n")
        inner = node.get("content")
        waiting += reversed(inner) if isinstance(inner, list) else []
    return "".join(text)
