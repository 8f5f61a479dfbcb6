"""Roundup through its REST API (www.roundup-tracker.org, "REST API for Roundup"; tried on 2.6): one issue per incident.

Our key is in a property that the tracker's schema must have: ``external_id``. Traps: a search for an empty text
finds all issues; a retired issue still reads as ever, and only lists leave it out; a new message moves an issue
that is unread or resolved to *chatting*, unless the same change names a status; a write needs the ETag and the
tracker's own address as ``Origin``. The description is the first message: it follows the issue, so that a create
whose answer is lost is found by our key. Post-once-exactly links would not help: they die with the answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from secrets import token_hex
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec
from pydantic import Field, SecretStr
from yarl import URL

from adapters.http import Http
from adapters.tickets.base import Adapter, Address, DestinationOptions
from adapters.tickets.fields import FieldMap
from adapters.tickets.polling import OVERLAP, PAGE, PAGES, polled, since
from adapters.tickets.roundup_issues import (
    FIELDS,
    KEY,
    PRIORITIES,
    READS,
    STATES,
    Answer,
    Issue,
    Item,
    Made,
    Msg,
    Named,
    Page,
    heard,
    to_changes,
    to_new,
    to_seen,
)
from adapters.tickets.states import once_created
from adapters.tickets.text import clean, with_link
from adapters.tickets.told import told
from domain.errors import PermanentError, Reason
from domain.incident import TicketRef
from domain.ports import Callback, Capability, Polled
from domain.priority import Priority
from domain.ticket import DesiredTicket, Note, TicketAction, TicketSeen, TicketState
from domain.times import Millis

R = TypeVar("R", Issue, Msg)
T = TypeVar("T")


class RoundupConfig(DestinationOptions):
    """Settings of one tracker of a Roundup. Statuses, priorities and users are set by their names."""

    type: Literal["roundup"]
    url: Address = Field(description="The tracker's own address, e.g. https://roundup.example.org/ops")
    username: str = Field(
        description="A user that may view, create and edit issues and messages.", min_length=1
    )
    password: SecretStr
    priorities: dict[Priority, str] = Field(
        default={}, description="Others than critical, urgent, bug, feature, wish."
    )
    states: dict[TicketState, str] = Field(
        default={},
        description="Statuses; others than unread, chatting (acknowledged), in-progress, deferred (on hold), "
        "resolved, and resolved for closed.",
    )
    reads: dict[str, TicketState] = Field(
        default=dict(READS), description="What more statuses mean that people set and Tocsin does not."
    )
    teams: dict[str, str] = Field(default={}, description="User that a team's issues are assigned to.")
    callback_secret: SecretStr | None = Field(
        default=None, description="What the tracker's detector sends as X-Tocsin-Secret."
    )
    fields: FieldMap

    def words(self) -> dict[TicketState, str]:
        """The status of each state."""
        return {**STATES, **self.states}

    def build(self, http: Http) -> Roundup:
        """Make the ticket system of these settings."""
        return Roundup(self, http)


class Roundup(Adapter):
    """The issues of one tracker."""

    capabilities = frozenset(Capability) - {
        Capability.ATTACH,
        Capability.IDEMPOTENT,
        Capability.LINK,
        Capability.PROBLEM,
    }

    def __init__(self, config: RoundupConfig, http: Http) -> None:
        password = config.password.get_secret_value()
        login = aiohttp.encode_basic_auth(config.username, password)
        self._config = config
        self._pages = str(config.url).rstrip("/")
        self._clock = http.clock
        self._client = http.client(
            f"{self._pages}/rest/data",
            headers={
                "Authorization": login,
                "Origin": str(URL(self._pages).origin()),
                "X-Requested-With": "Tocsin",
            },
            secrets=[password, login.removeprefix("Basic ")],
            timeout=config.timeout_seconds,
        )

    async def find(self, key: str) -> TicketRef | None:
        """Return the oldest issue that has *key* in it."""
        if not key:
            return None  # would find all
        asked = {f"{KEY}:": key, "@fields": FIELDS, "@verbose": "2", "@sort": "id"}
        hits = [issue for issue in await self._list("issue", Issue, asked) if issue.external_id == key]
        return self._ref(hits[0].id) if hits else None

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Open an issue, and make sure that it can be found again."""
        body = msgspec.json.encode(to_new(self._config, ticket))
        ref = self._ref((await self._client.send("POST", "/issue", body=body)).read(Answer[Made]).data.id)
        with once_created():
            found = await self._load(ref)
            if found.attributes.external_id != ticket.key:
                message = f"Roundup made issue {ref.id} without our key; let our role write and view {KEY}"
                raise PermanentError(message, Reason.REJECTED)
            await self._say(ref, found, clean(with_link(ticket)))
        return ref

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Write what differs, and read the status back."""
        found = await self._load(ref)
        changes = to_changes(self._config, ticket, action, found.attributes)
        if changes:
            await self._write("issue", ref.id, found.etag, changes)
            found = await self._load(ref)
            now = found.attributes.word
            if "status" in changes and changes["status"] != now:
                message = f"Roundup issue {ref.id} kept its status {now!r}: a detector does not let us"
                raise PermanentError(f"{message} set {changes['status']!r}", Reason.REJECTED)
        await self._describe(ref, found, clean(with_link(ticket)))
        return ref

    async def comment(self, ref: TicketRef, note: Note) -> None:
        """Add a message."""
        await self._say(ref, await self._load(ref), clean(note.text))

    async def read(self, ref: TicketRef) -> TicketSeen:
        """Tell how an issue stands, by a list: a retired one is in none."""
        asked = {"id": ref.id, "@fields": FIELDS, "@verbose": "2"}
        found = [issue for issue in await self._list("issue", Issue, asked) if issue.id == ref.id]
        if found:
            return to_seen(self._config, found[0])
        return TicketSeen(ref.id, int(self._clock() * 1000), is_deleted=True)

    async def callback(self, call: Callback) -> Sequence[TicketSeen]:
        """Understand what a detector of the tracker posts."""
        news = told(call, self._config.callback_secret)
        if news.actor == self._config.username:
            news = msgspec.structs.replace(news, comment="")
        return [news.seen(call, *heard(self._config))]

    async def poll(self, cursor: str) -> Polled:
        """List what changed, with what people wrote meanwhile, by Roundup's own clock."""
        if not cursor:
            newest = await self._issues(1, 1)
            return polled("", (), newest[0].at if newest else 0)
        start = since(cursor) - OVERLAP
        changed = [issue for issue in await _newer(self._issues, start) if issue.external_id]
        if not changed:
            return polled(cursor, (), 0)
        messages = [one for one in await _newer(self._messages, start) if one.by != self._config.username]
        return polled(cursor, [to_seen(self._config, issue, messages) for issue in changed], 0)

    async def ping(self) -> None:
        """Check the login, the names that are set, and that a search for a random key finds nothing."""
        users = {self._config.username, *self._config.teams.values()}
        await self._must_have("user", "username", users)
        await self._must_have("status", "name", set(self._config.words().values()))
        await self._must_have("priority", "name", {*{**PRIORITIES, **self._config.priorities}.values()})
        try:
            found = await self.find(f"probe{token_hex(8)}")
        except PermanentError as error:
            if error.reason is not Reason.REJECTED:
                raise
            message = f"Roundup: issues cannot be searched by {KEY}; add {KEY}=String() to issue in schema.py"
            raise PermanentError(f"{message} ({error})", Reason.REJECTED) from error
        if found is not None:
            raise PermanentError(
                f"Roundup: a search by {KEY} for a random key found issues", Reason.BAD_ANSWER
            )

    async def _must_have(self, kind: str, name: str, wanted: set[str]) -> None:
        rows = await self._list(kind, Named, {"@fields": name})
        missing = wanted - {getattr(row, name) for row in rows}
        if missing:
            message = f"Roundup has no {kind} {', '.join(sorted(missing))}, or does not show it to us"
            raise PermanentError(message, Reason.REJECTED)

    async def _say(self, ref: TicketRef, found: Item[Issue], text: str) -> None:
        """Add a message. The status is written with it, or Roundup would change it.

        All messages are written: to *add* one would add the status' number to the one that is there.
        """
        body = msgspec.json.encode({"author": self._config.username, "content": text})
        said = (await self._client.send("POST", "/msg", body=body)).read(Answer[Made]).data.id
        status = {"status": found.attributes.word} if found.attributes.word else {}
        messages = [*(one.id for one in found.attributes.messages), said]
        await self._write("issue", ref.id, found.etag, {"messages": messages, **status})

    async def _describe(self, ref: TicketRef, found: Item[Issue], text: str) -> None:
        """Let the first message that is ours say *text*; add it where a create was cut short."""
        for id_ in sorted((one.id for one in found.attributes.messages), key=int):
            asked = {"@fields": "author,content,creation", "@verbose": "3"}
            first = (await self._client.send("GET", f"/msg/{id_}", params=asked)).read(Answer[Item[Msg]]).data
            if first.attributes.by != self._config.username:
                continue
            if first.attributes.content != text:
                await self._write("msg", id_, first.etag, {"content": text})
            return
        await self._say(ref, found, text)

    async def _write(self, kind: str, id_: str, etag: str, changes: Mapping[str, Any]) -> None:
        path, body = f"/{kind}/{quote(id_, safe='')}", msgspec.json.encode(changes)
        await self._client.send("PATCH", path, body=body, headers={"If-Match": etag})

    async def _load(self, ref: TicketRef) -> Item[Issue]:
        path, asked = f"/issue/{quote(ref.id, safe='')}", {"@fields": FIELDS, "@verbose": "2"}
        return (await self._client.send("GET", path, params=asked)).read(Answer[Item[Issue]]).data

    async def _list(self, kind: str, shape: type[T], asked: Mapping[str, str]) -> list[T]:
        found = (await self._client.send("GET", f"/{kind}", params=asked)).read(Answer[Page[shape]])  # type: ignore[valid-type]
        return found.data.collection

    async def _issues(self, number: int, size: int) -> list[Issue]:
        asked = {"@fields": FIELDS, "@verbose": "2", "@sort": "-activity,-id"}
        return await self._list("issue", Issue, {**asked, **_page(number, size)})

    async def _messages(self, number: int, size: int) -> list[Msg]:
        asked = {"@fields": "author,content,creation", "@verbose": "3", "@sort": "-creation,-id"}
        return await self._list("msg", Msg, {**asked, **_page(number, size)})

    def _ref(self, id_: str) -> TicketRef:
        return TicketRef(id_, f"{self._pages}/issue{id_}")


def _page(number: int, size: int) -> dict[str, str]:
    return {"@page_index": str(number), "@page_size": str(size)}


async def _newer(page: Callable[[int, int], Awaitable[list[R]]], start: Millis) -> list[R]:
    """Collect what is not older than *start*.

    Pages are read from the newest on: what changes meanwhile moves others further down, so none is missed. The
    tool is not asked by date, as it reads dates in the time zone of its user.
    """
    found: dict[str, R] = {}
    for number in range(1, PAGES + 1):
        rows = await page(number, PAGE)
        found |= {one.id: one for one in rows if one.at >= start}
        if len(rows) < PAGE or rows[-1].at < start:
            break
    return list(found.values())
