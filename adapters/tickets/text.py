"""Text that came from alerts, made safe for where tools put it. Pure."""

from __future__ import annotations

import html
import re

from domain.ticket import DesiredTicket

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~@])")


def one_line(text: str, most: int) -> str:
    r"""Put a title on one line of at most *most* characters: titles become subjects of mails.

    >>> one_line("disk full\r\nBcc: all@example.org", 80)
    'disk full Bcc: all@example.org'
    """
    return cut(" ".join(_CONTROL.sub(" ", text).split()), most)


def clean(text: str) -> str:
    """Take away control characters but line feeds and tabs."""
    return _CONTROL.sub("", text)


def cut(text: str, most: int) -> str:
    """Shorten *text* to *most* characters, and show that it was.

    >>> cut("longer than that", 7)
    'longer…'
    """
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def with_link(ticket: DesiredTicket) -> str:
    """Return the description, and below it where the incident can be looked at."""
    text = clean(ticket.description)
    return text if not ticket.url or ticket.url in text else f"{text}\n\n{ticket.url}"


def to_html(text: str) -> str:
    r"""Show plain text in HTML as it is, line by line.

    >>> to_html("a < b\nc")
    'a &lt; b<br>c'
    """
    return html.escape(clean(text)).replace("\n", "<br>")


def to_html_within(text: str, most: int) -> str:
    r"""Show plain text in HTML, cut so that it is *most* bytes at most: marks become longer in HTML.

    >>> to_html_within("<<<<<<", 20)
    '&lt;&lt;…'
    """
    shown = to_html(text)
    while len(shown.encode()) > most:
        text = cut(text, max(1, len(text) * most // (len(shown.encode()) + 8)))
        shown = to_html(text)
    return shown


def to_markdown(text: str) -> str:
    r"""Show plain text in Markdown as it is: no links, mentions or headings come out of it.

    >>> print(to_markdown("*a* @b"))
    \*a\* \@b
    """
    return _MARKDOWN.sub(r"\\\1", clean(text)).replace("\n", "  \n")
