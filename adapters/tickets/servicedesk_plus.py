"""ManageEngine ServiceDesk Plus, version 3 of its API, on premises and in the cloud (sdpop-v3-api, sdpod-v3-api).

What is written goes into the form field ``input_data``, what is asked for into the query parameter of that name.
Our key is in an additional field (``udf_fields``). A 2xx may carry ``response_status`` "failed". On premises lets
in by a technician's key, the cloud by tokens of Zoho that last an hour, of which it gives out only a few at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

import msgspec
from pydantic import Field, SecretStr, StringConstraints, model_validator

from adapters.http import Http, Reply
from adapters.tickets.base import Adapter, Address, DestinationOptions, Settings
from adapters.tickets.fields import FieldMap, render_fields
from adapters.tickets.servicedesk_plus_shapes import (
    IMPACTS,
    PRIORITIES,
    SHOWN,
    STATES,
    URGENCIES,
    Many,
    One,
    Request,
    Token,
    limited,
    succeeded,
)
from adapters.tickets.session import Session
from adapters.tickets.states import state_of, wanted_state
from adapters.tickets.text import clean, one_line, to_html, with_link
from adapters.tickets.told import told
from domain.errors import PermanentError, Reason
from domain.incident import TicketRef
from domain.ports import Callback, Capability, LinkKind, Polled
from domain.priority import Level, Priority
from domain.ticket import DesiredTicket, Note, TicketAction, TicketSeen, TicketState

SUBJECT = 250
PAGE = 100
PAGES = 20
OVERLAP = 5_000
"""Milliseconds that a poll looks at again."""
ACCEPT = "application/vnd.manageengine.sdp.v3+json"
FORM = "application/x-www-form-urlencoded"
FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]+$")]


class Zoho(Settings):
    """How the cloud lets us in: a self client of the Zoho API console."""

    client_id: str
    client_secret: SecretStr
    refresh_token: SecretStr = Field(description="With scope SDPOnDemand.requests.ALL.")
    accounts: Address = Field(
        default="https://accounts.zoho.com",
        validate_default=True,
        description="Zoho Accounts of your region, like https://accounts.zoho.eu",
    )


class ServiceDeskPlusConfig(DestinationOptions):
    """Settings of a ServiceDesk Plus."""

    type: Literal["servicedesk_plus"]
    url: Address = Field(
        description="https://sdp.example.org, or in the cloud https://sdpondemand.manageengine.com/app/itdesk"
    )
    token: SecretStr | None = Field(default=None, description="A technician's key, on premises.")
    zoho: Zoho | None = Field(default=None, description="The login of the cloud.")
    key_field: FieldName = Field(description="Additional field, single line, of requests that holds our key.")
    requester: str = Field(default="", description="Name of the requester; empty for the technician.")
    template: str = Field(default="", description="Name of the request template; empty for the default one.")
    group: str = Field(default="", description="Support group of teams that are not in the table.")
    teams: dict[str, str] = Field(default={}, description="Support group of each team.")
    states: dict[TicketState, str] = Field(
        default={}, description="Others than Open, In Progress, Onhold, Resolved, Closed."
    )
    priorities: dict[Priority, str] = Field(
        default={}, description="Others than High, Medium, Normal, Low, Low."
    )
    impacts: dict[Level, str] = Field(
        default={}, description="Others than Affects Business, Affects Department, Affects User."
    )
    urgencies: dict[Level, str] = Field(default={}, description="Others than High, Normal, Low.")
    callback_secret: SecretStr | None = Field(
        default=None, description="What custom triggers send in the header X-Tocsin-Secret."
    )
    fields: FieldMap

    @model_validator(mode="after")
    def _exactly_one_login(self) -> ServiceDeskPlusConfig:
        if (self.token is None) == (self.zoho is None):
            raise ValueError("needs one of token (on premises) and zoho (cloud)")
        return self

    def build(self, http: Http) -> ServiceDeskPlus:
        """Make the ticket system of these settings."""
        return ServiceDeskPlus(self, http)

    def word(self, state: TicketState) -> str:
        """Return the status that stands for *state*."""
        return {**STATES, **self.states}[state]

    def state(self, word: str) -> TicketState | None:
        """Return what a status stands for."""
        return state_of(word, {**STATES, **self.states})

    def read_priorities(self) -> dict[str, Priority]:
        """Return what each priority stands for, in lower case; those that stand for several tell nothing."""
        words = [word.lower() for word in {**PRIORITIES, **self.priorities}.values()]
        ours = {word.lower(): one for one, word in {**PRIORITIES, **self.priorities}.items()}
        return {word: one for word, one in ours.items() if words.count(word) == 1}


class ServiceDeskPlus(Adapter):
    """The requests of one desk."""

    capabilities = frozenset(
        set(Capability) - {Capability.ATTACH, Capability.IDEMPOTENT, Capability.PROBLEM},
    )

    def __init__(self, config: ServiceDeskPlusConfig, http: Http) -> None:
        token = config.token.get_secret_value() if config.token else ""
        self._config = config
        self._pages = str(config.url).rstrip("/")
        self._clock = http.clock
        self._client = http.client(
            f"{self._pages}/api/v3",
            headers={"Accept": ACCEPT} | ({"authtoken": token} if token else {}),
            secrets=[token],
            timeout=config.timeout_seconds,
        )
        self._session = Session(self._login) if config.zoho else None
        self._accounts = http.client(
            str(config.zoho.accounts).rstrip("/") if config.zoho else "",
            secrets=_secrets(config.zoho),
            timeout=config.timeout_seconds,
        )

    async def find(self, key: str) -> TicketRef | None:
        """Return the oldest request that has *key* in it."""
        rows = await self._list([self._is_key(key)], sort_field="id")
        return next((self._ref(row) for row in rows.requests if self._key(row) == key), None) if key else None

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Open a request."""
        made = await self._write("POST", "/requests", {"request": to_new(self._config, ticket)})
        return self._ref(made.read(One).request)

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Write what is ours, and see that a status was taken: closing rules may forbid it."""
        now = await self._load(ref)
        before = self._config.state(now.status.name) if now.status else None
        state = wanted_state(action, ticket.state, before)
        body = to_known(self._config, ticket) | to_status(self._config, state)
        after = (await self._write("PUT", _path(ref), {"request": body})).read(One).request
        if state is not None and after.status and after.status.name != self._config.word(state):
            message = (
                f"ServiceDesk Plus kept request {ref.id} at {after.status.name!r}; see its closing rules"
            )
            raise PermanentError(message, Reason.REJECTED)
        return self._ref(now)

    async def comment(self, ref: TicketRef, note: Note) -> None:
        """Add a note that the requester does not see."""
        body = {"note": {"description": to_html(note.text), "show_to_requester": False}}
        await self._write("POST", f"{_path(ref)}/notes", body)

    async def link(self, ref: TicketRef, other: TicketRef, kind: LinkKind) -> None:
        """Link two requests; one that is linked already is refused, and fine."""
        link = {"linked_request": {"id": other.id}, "comments": kind.value.replace("_", " ")}
        try:
            await self._write("POST", f"{_path(ref)}/link_requests", {"link_requests": [link]})
        except PermanentError as error:
            if "already" not in str(error).lower():
                raise

    async def read(self, ref: TicketRef) -> TicketSeen:
        """Tell how a request stands."""
        try:
            row = (await self._ask(_path(ref))).read(One).request
        except PermanentError as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            return TicketSeen(ref.id, int(self._clock() * 1000), is_deleted=True)
        return to_seen(self._config, row)

    async def callback(self, call: Callback) -> Sequence[TicketSeen]:
        """Understand what a custom trigger posted, in our own shape."""
        news = told(call, self._config.callback_secret)
        states = {
            self._config.word(one).lower(): self._config.state(self._config.word(one)) for one in TicketState
        }
        known = {word: state for word, state in states.items() if state is not None}
        return [news.seen(call, known, self._config.read_priorities())]

    async def poll(self, cursor: str) -> Polled:
        """List those of our requests that were changed."""
        if not cursor:
            newest = await self._list([], sort_order="desc", row_count=1)
            long_ago = int(self._clock() * 1000) - 86_400_000
            return Polled((), str(max([long_ago, *(row.changed for row in newest.requests)])))
        since = {"field": "last_updated_time", "condition": "greater or equal", "value": cursor}
        rows: list[Request] = []
        for _ in range(PAGES):
            page = await self._list([since], start_index=len(rows) + 1)
            rows += page.requests
            if not page.list_info.has_more_rows or not page.requests:
                break
        last = max((row.changed for row in rows), default=int(cursor))
        seen = [to_seen(self._config, row) for row in rows if self._key(row)]
        return Polled(seen, str(max(int(cursor), last - OVERLAP)))

    async def ping(self) -> None:
        """Check the login, and that our field is searched."""
        if (await self._list([self._is_key(f"probe{token_hex(8)}")])).requests:
            message = f"ServiceDesk Plus: a search for a random {self._config.key_field} found requests; is it a field?"
            raise PermanentError(message, Reason.BAD_ANSWER)

    def _is_key(self, key: str) -> dict[str, str]:
        return {"field": f"udf_fields.{self._config.key_field}", "condition": "is", "value": key}

    def _key(self, row: Request) -> str:
        return str((row.udf_fields or {}).get(self._config.key_field) or "")

    async def _load(self, ref: TicketRef) -> Request:
        row = (await self._ask(_path(ref))).read(One).request
        if row.is_trashed:
            raise PermanentError(f"ServiceDesk Plus: request {ref.id} is in the trash", Reason.NOT_FOUND)
        return row

    async def _list(self, criteria: Sequence[Mapping[str, Any]], **more: Any) -> Many:
        info = {"sort_field": "last_updated_time", "sort_order": "asc", "row_count": PAGE, **more}
        wanted = {"search_criteria": criteria} if criteria else {}
        query = {"list_info": {**info, **wanted, "fields_required": SHOWN}}
        return (await self._ask("/requests", query)).read(Many)

    async def _ask(self, path: str, query: Mapping[str, Any] | None = None) -> Reply:
        params = {"input_data": msgspec.json.encode(query).decode()} if query else None
        return await self._let_in("GET", path, None, params)

    async def _write(self, method: str, path: str, body: Mapping[str, Any]) -> Reply:
        form = urlencode({"input_data": msgspec.json.encode(body)}).encode()
        return await self._let_in(method, path, form, None)

    async def _let_in(
        self, method: str, path: str, form: bytes | None, params: Mapping[str, str] | None
    ) -> Reply:
        async def send(token: str) -> Reply:
            headers = {"Content-Type": FORM} | (
                {"Authorization": f"Zoho-oauthtoken {token}"} if token else {}
            )
            try:
                reply = await self._client.send(method, path, params=params, body=form, headers=headers)
            except PermanentError as error:
                raise limited(error) or error from None
            return succeeded(reply)

        return await (self._session.call(send) if self._session else send(""))

    async def _login(self) -> str:
        zoho = self._config.zoho
        assert zoho is not None, "there is no session on premises"
        form = {
            "grant_type": "refresh_token",
            "client_id": zoho.client_id,
            "client_secret": zoho.client_secret.get_secret_value(),
            "refresh_token": zoho.refresh_token.get_secret_value(),
        }
        headers = {"Content-Type": FORM}
        reply = await self._accounts.send(
            "POST", "/oauth/v2/token", body=urlencode(form).encode(), headers=headers
        )
        token = reply.read(Token)
        if not token.access_token:
            raise PermanentError(
                f"Zoho gave no access token: {token.error or 'no reason'}", Reason.AUTHENTICATION
            )
        return token.access_token

    def _ref(self, row: Request) -> TicketRef:
        page = (
            f"ui/requests/{row.id}/details" if self._session else f"WorkOrder.do?woMode=viewWO&woID={row.id}"
        )
        return TicketRef(str(row.id), f"{self._pages}/{page}")


def to_new(config: ServiceDeskPlusConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Translate a ticket into what is created; ``fields`` of ``udf_`` go among the additional ones."""
    extra = render_fields(config.fields, ticket)
    additional = {name: value for name, value in extra.items() if name.startswith("udf_")}
    return {
        **to_known(config, ticket),
        **to_status(config, ticket.state),
        **({"requester": {"name": config.requester}} if config.requester else {}),
        **({"template": {"name": config.template}} if config.template else {}),
        **to_group(config, ticket.team),
        **{name: value for name, value in extra.items() if name not in additional},
        "udf_fields": {**additional, config.key_field: ticket.key},
    }


def to_known(config: ServiceDeskPlusConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Return what is written each time."""
    return {
        "subject": one_line(ticket.title, SUBJECT),
        "description": to_html(with_link(ticket)),
        "priority": {"name": {**PRIORITIES, **config.priorities}[ticket.priority]},
        "impact": {"name": {**IMPACTS, **config.impacts}[ticket.impact]},
        "urgency": {"name": {**URGENCIES, **config.urgencies}[ticket.urgency]},
    }


def to_status(config: ServiceDeskPlusConfig, state: TicketState | None) -> dict[str, Any]:
    """Return the status, and what was done where that is asked for."""
    if state is None:
        return {}
    solved = {"resolution": {"content": "Resolved by Tocsin: its alerts are over."}} if state.is_over else {}
    return {"status": {"name": config.word(state)}, **solved}


def to_group(config: ServiceDeskPlusConfig, team: str) -> dict[str, Any]:
    """Return the support group of a team, if it has one."""
    group = config.teams.get(team, config.group)
    return {"group": {"name": group}} if group else {}


def to_seen(config: ServiceDeskPlusConfig, row: Request) -> TicketSeen:
    """Translate a request."""
    priority = row.priority.name.lower() if row.priority else ""
    return TicketSeen(
        str(row.id),
        row.changed,
        state=config.state(row.status.name) if row.status else None,
        title=clean(row.subject),
        priority=config.read_priorities().get(priority),
        assignee=row.technician.name if row.technician else "",
        is_deleted=row.is_trashed,
    )


def _secrets(zoho: Zoho | None) -> list[str]:
    """The secrets, also as they stand in a form."""
    plain = [zoho.client_secret.get_secret_value(), zoho.refresh_token.get_secret_value()] if zoho else []
    return plain + [quote(one, safe="") for one in plain]


def _path(ref: TicketRef) -> str:
    return f"/requests/{quote(ref.id, safe='')}"
