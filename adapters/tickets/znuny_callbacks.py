"""What Znuny's invoker ``Ticket::Generic`` posts of a ticket. Pure."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace
from pydantic import SecretStr

from adapters.tickets.signatures import check_secret
from adapters.tickets.znuny_tickets import Row, Words, to_seen
from domain.errors import CallbackRefused
from domain.ports import Callback
from domain.ticket import Comment, TicketSeen

HEADER = "x-tocsin-secret"
OURS = "Tocsin"
"""``From`` of the articles that we write."""


class Article(
    msgspec.Struct, rename={"id": "ArticleID", "sender": "From", "text": "Body", "created": "CreateTime"}
):
    """An article."""

    id: int | str
    sender: str = ""
    text: str = ""
    created: str = ""


class Deep(Row, rename={"articles": "Articles", "article": "Article"}):
    """A ticket with its articles; dynamic fields are keys of their own here."""

    articles: list[Article] = msgspec.field(default_factory=list)
    article: list[Article] | Article | None = None
    """Seen in some versions instead."""

    def all(self) -> list[Article]:
        """Return the articles, wherever they are."""
        if self.article is None:
            return self.articles
        return self.articles + (self.article if isinstance(self.article, list) else [self.article])


class Cause(msgspec.Struct, rename={"name": "Event", "article": "ArticleID"}):
    """What happened."""

    name: str = ""
    article: int | str = ""


class Posted(msgspec.Struct, rename={"event": "Event", "ticket": "Ticket"}):
    """What is posted."""

    event: Cause
    ticket: Deep


def check_caller(secret: SecretStr | None, headers: Mapping[str, str]) -> None:
    """Let in who knows the secret: as a password of basic authentication, or in a header.

    Raises:
        CallbackRefused: it is somebody else.
    """
    if secret is None:
        raise CallbackRefused(
            "callbacks are not taken: this destination has no callback_secret", is_forged=True
        )
    if HEADER in headers:
        check_secret(secret.get_secret_value(), headers, HEADER)
    else:
        given = {"authorization": _password(headers.get("authorization", ""))}
        check_secret(secret.get_secret_value(), given, "authorization")


def to_heard(call: Callback, words: Words) -> Sequence[TicketSeen]:
    """Translate what was posted. Tickets that are not ours are nothing to us.

    Raises:
        CallbackRefused: it is not what the invoker sends.
    """
    try:
        posted = msgspec.json.decode(call.body, type=Posted)
        seen = to_seen(posted.ticket, words)
        comments = tuple(_comments(posted, words))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise CallbackRefused(f"not what Ticket::Generic posts: {error}") from error
    return [replace(seen, comments=comments)]


def _comments(posted: Posted, words: Words) -> list[Comment]:
    """The articles that people wrote: the one that this is about, where it is about one."""
    wanted = str(posted.event.article)
    return [
        Comment(str(one.id), one.sender, one.text, words.at(one.created or posted.ticket.changed))
        for one in posted.ticket.all()
        if one.sender != OURS and wanted in {"", str(one.id)}
    ]


def _password(header: str) -> str:
    scheme, _, encoded = header.partition(" ")
    try:
        decoded = b64decode(encoded, validate=True).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, ValueError):
        return ""
    return decoded.partition(":")[2]
