"""GLPI 10 and 11 through the legacy REST API (apirest.php), with its sessions; webhooks of GLPI 11.

Our key is the last line of the description, as no field for other tools' keys is sure to be searchable. Traps: a
session runs out; a write answers with a word for each item; a page beyond the end of a list is a 400; texts are
HTML; times are in the time zone of the API's user; a solution makes a ticket solved, not a status; an assigned ticket
is in status 2 whatever was asked for; problems and tickets are different item types with the same columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Any, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

import aiohttp
import msgspec
from pydantic import Field, SecretStr, model_validator

from adapters.http import Http, Reply
from adapters.tickets.base import Adapter, Address, Basic, DestinationOptions
from adapters.tickets.fields import FieldMap, StateFields, state_fields
from adapters.tickets.glpi_items import (
    ASSIGNED,
    DATE,
    HTML_BYTES,
    ID,
    KEY,
    PLANNED,
    PROBLEM,
    SHOWN,
    STATES,
    STATUS,
    TEXT,
    Created,
    Found,
    Item,
    Posted,
    Row,
    Started,
    as_number,
    has_key,
    to_fields,
    to_new,
    to_news,
    to_seen,
)
from adapters.tickets.moments import TimeZone, local_text
from adapters.tickets.polling import OVERLAP, all_rows, polled, since
from adapters.tickets.session import Session
from adapters.tickets.signatures import check_hmac
from adapters.tickets.states import once_created, state_of, wanted_state
from adapters.tickets.text import to_html_within, with_link
from domain.errors import CallbackRefused, PermanentError, Reason
from domain.incident import TicketRef
from domain.ports import Callback, Capability, LinkKind, Polled
from domain.priority import Level, Priority
from domain.ticket import DesiredTicket, Note, TicketAction, TicketKind, TicketSeen, TicketState

CHILD = 3
"""GLPI's number of "son of"."""


class GlpiConfig(DestinationOptions):
    """Settings of one GLPI."""

    type: Literal["glpi"]
    url: Address = Field(description="Where GLPI is, without apirest.php, e.g. https://glpi.example.org")
    user_token: SecretStr | None = Field(default=None, description="API token of the user.")
    login: Basic | None = Field(default=None, description="Its name and password, where it has no token.")
    app_token: SecretStr | None = Field(
        default=None, description="Token of the API client, where it has one."
    )
    entity: int | None = Field(default=None, description="Entity of new tickets; the user's own by default.")
    time_zone: TimeZone = Field(default="UTC", description="Of the user, in which GLPI tells times.")
    problems: bool = Field(default=True, description="Whether the user may see and make problems.")
    priorities: dict[Priority, int] = Field(default={}, description="Others than 6, 5, 4, 3, 2.")
    impacts: dict[Level, int] = Field(default={}, description="Others than 5, 3, 1 for high, medium, low.")
    urgencies: dict[Level, int] = Field(default={}, description="Others than 5, 3, 1 for high, medium, low.")
    states: dict[TicketState, int] = Field(default={}, description="Statuses, others than 1, 2, 2, 4, 5, 6.")
    state_fields: StateFields
    teams: dict[str, int] = Field(default={}, description="Number of each team's group.")
    group: int | None = Field(default=None, description="Number of the group for all other teams.")
    callback_secret: SecretStr | None = Field(default=None, description="Secret of the webhook in GLPI 11.")
    fields: FieldMap

    @model_validator(mode="after")
    def _exactly_one(self) -> GlpiConfig:
        if (self.user_token is None) == (self.login is None):
            raise ValueError("needs one of user_token and login")
        return self

    def build(self, http: Http) -> Glpi:
        """Make the ticket system of these settings."""
        return Glpi(self, http)

    def state(self, word: int) -> TicketState | None:
        """Return what a status means. Assigned says nothing of itself: GLPI sets it for any group."""
        if word == ASSIGNED and ASSIGNED not in self.states.values():
            return TicketState.OPEN
        planned = TicketState.IN_PROGRESS if word == PLANNED else None
        return state_of(word, {**STATES, **self.states}) or planned

    def authorization(self) -> str:
        """Return the header that starts a session."""
        if self.user_token is not None:
            return f"user_token {self.user_token.get_secret_value()}"
        assert self.login is not None
        return aiohttp.encode_basic_auth(self.login.username, self.login.password.get_secret_value())


class Glpi(Adapter):
    """The tickets and problems of one GLPI."""

    def __init__(self, config: GlpiConfig, http: Http) -> None:
        self._config = config
        self._pages = str(config.url).rstrip("/")
        self._clock = http.clock
        self._session = Session(self._login)
        lacks = {Capability.IDEMPOTENT, Capability.ATTACH, *([] if config.problems else [Capability.PROBLEM])}
        self.capabilities = frozenset(Capability) - lacks
        app = config.app_token.get_secret_value() if config.app_token is not None else ""
        self._client = http.client(
            f"{self._pages}/apirest.php",
            headers={"App-Token": app} if app else {},
            secrets=[app, config.authorization().split()[1]],
            timeout=config.timeout_seconds,
        )

    async def find(self, key: str) -> TicketRef | None:
        """Return the oldest ticket or problem that has *key* in its description."""
        if not KEY.fullmatch(key):
            return None  # no key of ours
        for kind in self._kinds():
            rows = await self._search(kind, (TEXT, "contains", f"Tocsin: {key}"), sort=ID)
            for row in rows:
                ref = self._ref(kind, as_number(row.get(ID)))
                item = (await self._send("GET", self._path(ref))).read(Item)
                if has_key(item, key):
                    return ref
        return None

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Open a ticket or a problem, and bring it into its state."""
        kind = "Problem" if ticket.kind is TicketKind.PROBLEM and self._config.problems else "Ticket"
        new = to_new(self._config, ticket, is_problem=kind == "Problem")
        made = (await self._send("POST", f"/{kind}", {"input": new})).read(Created)
        ref = self._ref(kind, made.id)
        if ticket.state is not TicketState.OPEN:
            with once_created():
                await self._move(ref, ticket, ticket.state)
        return ref

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Write the columns, then the state."""
        row = await self._load(ref)
        await self._write(ref, to_fields(self._config, ticket))
        wanted = wanted_state(action, ticket.state, self._config.state(as_number(row.get(STATUS))))
        if wanted is not None:
            await self._move(ref, ticket, wanted)
        return self._ref(_kind(ref), _number(ref))

    async def comment(self, ref: TicketRef, note: Note) -> None:
        """Write a private followup."""
        text = {"content": to_html_within(note.text, HTML_BYTES), "is_private": 1}
        await self._send("POST", "/ITILFollowup", {"input": {**_of(ref), **text}})

    async def link(self, ref: TicketRef, other: TicketRef, kind: LinkKind) -> None:
        """Relate a ticket to its problem, or to its parent, unless it is."""
        if kind is LinkKind.CAUSED_BY:
            path, own = "Problem_Ticket", {"problems_id": _number(other), "tickets_id": _number(ref)}
        else:
            own = {"tickets_id_1": _number(ref), "tickets_id_2": _number(other), "link": CHILD}
            path = "Ticket_Ticket"
        there = (await self._send("GET", f"{self._path(ref)}/{path}")).read(list[dict[str, Any]])
        if not any(all(one.get(name) == value for name, value in own.items()) for one in there):
            await self._send("POST", f"/{path}", {"input": own})

    async def read(self, ref: TicketRef) -> TicketSeen:
        """Tell how a ticket stands; a search does not see those in the dustbin."""
        try:
            row = await self._load(ref)
        except PermanentError as error:
            if error.reason is Reason.NOT_FOUND:
                return TicketSeen(ref.id, int(self._clock() * 1000), is_deleted=True)
            raise
        return to_seen(self._config, row, is_problem=_kind(ref) == "Problem")

    async def callback(self, call: Callback) -> Sequence[TicketSeen]:
        """Understand a webhook of GLPI 11, signed, with its default payload."""
        if self._config.callback_secret is None:
            raise CallbackRefused("set callback_secret to the secret of the webhook in GLPI")
        stamp = call.headers.get("x-glpi-timestamp", "").encode(errors="replace")
        secret = self._config.callback_secret.get_secret_value()
        check_hmac(secret, call.body + stamp, call.headers.get("x-glpi-signature", ""))
        is_problem = call.query.get("itemtype") == "Problem"
        try:
            posted = msgspec.json.decode(call.body, type=Posted)
            return [to_news(self._config, posted, is_problem=is_problem)]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
            raise CallbackRefused(f"not what a webhook of GLPI posts: {error}") from error

    async def poll(self, cursor: str) -> Polled:
        """List what changed."""
        if not cursor:
            return polled("", [], await self._newest())
        zone = ZoneInfo(self._config.time_zone)
        after = local_text(max(0, since(cursor) - OVERLAP), zone)
        seen = []
        for kind in self._kinds():
            rows = await self._changed(kind, after)
            seen += [to_seen(self._config, row, is_problem=kind == "Problem") for row in rows]
        return polled(cursor, seen, 0)

    async def ping(self) -> None:
        """Check the login and the right to search, and that a search for nothing finds nothing."""
        for kind in self._kinds():
            if await self._search(kind, (TEXT, "contains", f"Tocsin: probe{token_hex(8)}"), limit=1):
                raise PermanentError(
                    f"GLPI: a search of {kind} for a random text found some", Reason.BAD_ANSWER
                )

    def _kinds(self) -> tuple[str, ...]:
        return ("Ticket", "Problem") if self._config.problems else ("Ticket",)

    async def _changed(self, kind: str, after: str) -> list[Row]:
        async def page(offset: int, limit: int) -> list[Row]:
            return await self._search(kind, (DATE, "morethan", after), start=offset, limit=limit)

        return await all_rows(page)

    async def _newest(self) -> int:
        rows = await self._search("Ticket", (ID, "contains", ""), order="DESC", limit=1)
        now = int(self._clock() * 1000)
        return to_seen(self._config, rows[0], is_problem=False).at if rows else now

    async def _search(
        self,
        kind: str,
        wanted: tuple[str, str, str],
        *,
        sort: str = DATE,
        order: str = "ASC",
        start: int = 0,
        limit: int = 50,
    ) -> list[Row]:
        params = dict(
            zip((f"criteria[0][{name}]" for name in ("field", "searchtype", "value")), wanted, strict=True)
        )
        params |= {f"forcedisplay[{place}]": number for place, number in enumerate(SHOWN)}
        params |= {"sort": sort, "order": order, "range": f"{start}-{start + limit - 1}"}
        try:
            return (await self._send("GET", f"/search/{kind}", params=params)).read(Found).data
        except PermanentError as error:
            if "ERROR_RANGE_EXCEED_TOTAL" in str(error):
                return []
            raise

    async def _load(self, ref: TicketRef) -> Row:
        for row in await self._search(_kind(ref), (ID, "equals", str(_number(ref)))):
            if as_number(row.get(ID)) == _number(ref):
                return row
        raise PermanentError(
            f"GLPI has no {_kind(ref)} {_number(ref)}, or it is in the dustbin", Reason.NOT_FOUND
        )

    async def _write(self, ref: TicketRef, columns: Mapping[str, Any]) -> None:
        reply = await self._send("PUT", self._path(ref), {"input": columns})
        said = reply.read(list[dict[str, Any]])
        if not said or said[0].get(str(_number(ref))) is not True:
            told = said[0].get("message", "") if said else ""
            raise PermanentError(f"GLPI did not change {ref.id}: {told}", Reason.REJECTED)

    async def _move(self, ref: TicketRef, ticket: DesiredTicket, state: TicketState) -> None:
        """Bring a ticket into a state, and make sure that it is there."""
        status = {**STATES, **self._config.states}[state]
        more = state_fields({}, self._config.state_fields, ticket, state)
        if state is TicketState.RESOLVED:
            text = {"content": to_html_within(with_link(ticket), HTML_BYTES)}
            await self._send("POST", "/ITILSolution", {"input": {**_of(ref), **text, **more}})
        else:
            await self._write(ref, {"status": status, **more})
        now = as_number((await self._load(ref)).get(STATUS))
        is_assigned = {now, status} <= {STATES[TicketState.OPEN], ASSIGNED}
        if now != status and not is_assigned:
            raise PermanentError(f"GLPI {ref.id} is in status {now}, not {status}", Reason.REJECTED)

    async def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Reply:
        raw = None if body is None else msgspec.json.encode(body)

        async def call(token: str) -> Reply:
            return await self._client.send(
                method, path, params=params, body=raw, headers={"Session-Token": token}
            )

        return await self._session.call(call)

    async def _login(self) -> str:
        headers = {"Authorization": self._config.authorization()}
        return (await self._client.send("GET", "/initSession", headers=headers)).read(Started).session_token

    def _path(self, ref: TicketRef) -> str:
        return f"/{_kind(ref)}/{quote(str(_number(ref)), safe='')}"

    def _ref(self, kind: str, number: int) -> TicketRef:
        url = f"{self._pages}/front/{kind.lower()}.form.php?id={number}"
        return TicketRef(f"{PROBLEM}{number}" if kind == "Problem" else str(number), url)


def _kind(ref: TicketRef) -> str:
    return "Problem" if ref.id.startswith(PROBLEM) else "Ticket"


def _number(ref: TicketRef) -> int:
    return as_number(ref.id.removeprefix(PROBLEM))


def _of(ref: TicketRef) -> dict[str, Any]:
    return {"itemtype": _kind(ref), "items_id": _number(ref)}
