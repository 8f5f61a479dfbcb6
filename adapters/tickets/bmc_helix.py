"""BMC Helix ITSM (Remedy) through AR System's REST API: the forms HPD:IncidentInterface and HPD:WorkLog.

Our key is in 'Vendor Ticket Number', or the field that is set. Traps: a login gives a token for an hour; an incident
is made by one form and changed by another, whose request id has to be looked up; the description is called
Detailed_Decription when it is written and Detailed Decription when it is read, sic; a change answers nothing, so it
is read back; words of selection fields are texts with numbers in front.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

import msgspec
from pydantic import Field, SecretStr, StringConstraints

from adapters.http import Http, Reply
from adapters.tickets.base import Adapter, Address, DestinationOptions
from adapters.tickets.fields import FieldMap, StateFields, render_fields, state_fields
from adapters.tickets.moments import shown_moment
from adapters.tickets.polling import OVERLAP, all_rows, polled, since
from adapters.tickets.priorities import priority_of
from adapters.tickets.session import Session
from adapters.tickets.states import once_created, state_of, wanted_state
from adapters.tickets.text import clean, cut, one_line, with_link
from adapters.tickets.told import told
from domain.errors import PermanentError, Reason
from domain.incident import TicketRef
from domain.ports import Callback, Capability, Polled
from domain.priority import Priority
from domain.ticket import DesiredTicket, Note, TicketAction, TicketSeen, TicketState

TITLE_LENGTH = 100
TEXT_LENGTH = 32_000
ENTRY = "/api/arsys/v1/entry"
CREATE = f"{ENTRY}/HPD:IncidentInterface_Create"
INCIDENTS = f"{ENTRY}/HPD:IncidentInterface"
WORK_LOG = f"{ENTRY}/HPD:WorkLog"
KEY = re.compile(r"[A-Za-z0-9_.-]{1,60}")
TOKEN = re.compile(rb"[A-Za-z0-9_.=-]+")
IMPACTS = ("1-Extensive/Widespread", "2-Significant/Large", "3-Moderate/Limited", "4-Minor/Localized")
URGENCIES = ("1-Critical", "2-High", "3-Medium", "4-Low")
PLACES = {Priority.P1: 0, Priority.P2: 1, Priority.P3: 2, Priority.P4: 3, Priority.P5: 3}
PRIORITIES = {
    Priority.P1: "Critical",
    Priority.P2: "High",
    Priority.P3: "Medium",
    Priority.P4: "Low",
    Priority.P5: "Low",
}
"""What the usual table makes of impact and urgency in the same place."""
STATES = {
    TicketState.OPEN: "New",
    TicketState.ACKNOWLEDGED: "In Progress",
    TicketState.IN_PROGRESS: "In Progress",
    TicketState.ON_HOLD: "Pending",
    TicketState.RESOLVED: "Resolved",
    TicketState.CLOSED: "Closed",
}
ALSO = {"Assigned": TicketState.OPEN, "Cancelled": TicketState.CLOSED}
_SOLUTION = {
    "Resolution": "Recovered, says monitoring: {{ title }}",
    "Status_Reason": "No Further Action Required",
}
WITH_STATE = {
    TicketState.ON_HOLD: {"Status_Reason": "Monitoring Incident"},
    TicketState.RESOLVED: _SOLUTION,
    TicketState.CLOSED: _SOLUTION,
}

FieldName = Annotated[str, StringConstraints(pattern=r"^[^'\"(),]+$")]


class BmcHelixConfig(DestinationOptions):
    """Settings of one BMC Helix ITSM."""

    type: Literal["bmc_helix"]
    url: Address = Field(description="The REST address, e.g. https://acme-restapi.onbmc.com")
    username: str
    password: SecretStr
    first_name: str = Field(description="Of the person in the directory that incidents are for.")
    last_name: str
    company: str = Field(default="", description="Company of incidents; empty for the person's.")
    support_company: str = ""
    support_organization: str = ""
    teams: dict[str, str] = Field(default={}, description="Support group of each team.")
    group: str = Field(default="", description="Support group for all other teams; empty for none.")
    key_field: FieldName = Field(default="Vendor Ticket Number", description="Field that holds our key.")
    service_type: str = "Infrastructure Event"
    source: str = Field(default="Systems Management", description="Reported source.")
    priorities: dict[Priority, str] = Field(default={}, description="Words; others than Critical … Low.")
    states: dict[TicketState, str] = Field(
        default={}, description="Others than New, In Progress, In Progress, Pending, Resolved, Closed."
    )
    state_fields: StateFields
    callback_secret: SecretStr | None = Field(default=None, description="What the workflow of Helix sends.")
    fields: FieldMap

    def build(self, http: Http) -> BmcHelix:
        """Make the ticket system of these settings."""
        return BmcHelix(self, http)

    def words(self) -> dict[TicketState, str]:
        """Return the table of states."""
        return {**STATES, **self.states}

    def state(self, word: str) -> TicketState | None:
        """Return what a status means."""
        return state_of(word, self.words()) or ALSO.get(word)


class Entry(msgspec.Struct):
    """An entry of a form; selection fields are texts, some values are null."""

    values: dict[str, Any]

    def text(self, name: str) -> str:
        """Return a value as text; empty for none."""
        return str(self.values.get(name) or "")


class Entries(msgspec.Struct):
    """A page of entries."""

    entries: list[Entry]


class BmcHelix(Adapter):
    """The incidents of one BMC Helix ITSM."""

    capabilities = frozenset(Capability) - {
        Capability.ATTACH,
        Capability.IDEMPOTENT,
        Capability.LINK,
        Capability.PROBLEM,
    }

    def __init__(self, config: BmcHelixConfig, http: Http) -> None:
        password = config.password.get_secret_value()
        self._config = config
        self._clock = http.clock
        self._session = Session(self._login)
        self._client = http.client(
            str(config.url).rstrip("/"),
            secrets=[password, urlencode({"": password})[1:]],
            timeout=config.timeout_seconds,
        )

    async def find(self, key: str) -> TicketRef | None:
        """Return the oldest incident that has *key*."""
        if not KEY.fullmatch(key):
            return None  # no key of ours: it would be another query
        entries = await self._search(f"'{self._config.key_field}'=\"{key}\"", sort="Submit Date.asc")
        ours = [one for one in entries if one.text(self._config.key_field) == key]
        return TicketRef(ours[0].text("Incident Number")) if ours else None

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Open an incident, and make sure that it can be found again."""
        params = {"fields": "values(Incident Number)"}
        body = {"values": to_new(self._config, ticket)}
        made = (await self._send("POST", CREATE, params, body)).read(Entry)
        ref = TicketRef(made.text("Incident Number"))
        if not ref.id:
            raise PermanentError(
                "BMC Helix made an incident without a number", Reason.BAD_ANSWER, unknown=True
            )
        with once_created():
            shown = await self._load(ref)
            if shown.text(self._config.key_field) != ticket.key:
                message = (
                    f"BMC Helix made {ref.id} but did not keep {ticket.key} in {self._config.key_field!r}"
                )
                raise PermanentError(message, Reason.REJECTED)
            if ticket.state is not TicketState.OPEN:
                await self._write(shown, to_state(self._config, ticket, ticket.state))
        return ref

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Write the incident and its status."""
        shown = await self._load(ref)
        changes = to_fields(self._config, ticket)
        wanted = wanted_state(action, ticket.state, self._config.state(shown.text("Status")))
        if wanted is not None:
            changes |= to_state(self._config, ticket, wanted)
        await self._write(shown, changes)
        return ref

    async def comment(self, ref: TicketRef, note: Note) -> None:
        """Write an internal work log."""
        values = {
            "Incident Number": ref.id,
            "Work Log Type": "General Information",
            "Description": one_line(note.text, TITLE_LENGTH),
            "Detailed Description": cut(clean(note.text), TEXT_LENGTH),
            "View Access": "Internal",
            "Secure Work Log": "No",
        }
        await self._send("POST", WORK_LOG, {}, {"values": values})

    async def read(self, ref: TicketRef) -> TicketSeen:
        """Tell how an incident stands."""
        try:
            return to_seen(self._config, await self._load(ref))
        except PermanentError as error:
            if error.reason is Reason.NOT_FOUND:
                return TicketSeen(ref.id, int(self._clock() * 1000), is_deleted=True)
            raise

    async def callback(self, call: Callback) -> Sequence[TicketSeen]:
        """Understand what a workflow of Helix posts."""
        news = told(call, self._config.callback_secret)
        states = {word.lower(): self._config.state(word) for word in [*self._config.words().values(), *ALSO]}
        words = {**PRIORITIES, **self._config.priorities}
        return [news.seen(call, states, {word.lower(): priority_of(word, words) for word in words.values()})]

    async def poll(self, cursor: str) -> Polled:
        """List incidents that changed and have our key field filled."""
        if not cursor:
            newest = await self._search("'Incident Number'!=$NULL$", sort="Last Modified Date.desc", limit=1)
            now = int(self._clock() * 1000)
            return polled("", [], to_seen(self._config, newest[0]).at if newest else now)
        rows = await self._changed(max(0, since(cursor) - OVERLAP) // 1000)
        ours = [row for row in rows if row.text(self._config.key_field)]
        return polled(cursor, [to_seen(self._config, row) for row in ours], 0)

    async def ping(self) -> None:
        """Check the login and the key field, and that a search for nothing finds nothing."""
        if await self._search(f"'{self._config.key_field}'=\"probe{token_hex(8)}\"", limit=1):
            message = f"BMC Helix: a search for a random {self._config.key_field!r} found incidents"
            raise PermanentError(message, Reason.BAD_ANSWER)

    async def _changed(self, from_: int) -> list[Entry]:
        query = f"'Last Modified Date' >= \"{from_}\""

        async def page(offset: int, limit: int) -> list[Entry]:
            return await self._search(query, sort="Last Modified Date.asc", limit=limit, offset=offset)

        return await all_rows(page)

    async def _search(self, query: str, *, sort: str = "", limit: int = 10, offset: int = 0) -> list[Entry]:
        fields = ",".join([*SHOWN, self._config.key_field])
        params = {"q": query, "fields": f"values({fields})", "limit": str(limit), "offset": str(offset)}
        params |= {"sort": sort} if sort else {}
        return (await self._send("GET", INCIDENTS, params)).read(Entries).entries

    async def _load(self, ref: TicketRef) -> Entry:
        number = ref.id if KEY.fullmatch(ref.id) else ""
        found = await self._search(f"'Incident Number'=\"{number}\"")
        for one in found:
            if one.text("Incident Number") == ref.id:
                return one
        raise PermanentError(f"BMC Helix has no incident {ref.id}", Reason.NOT_FOUND)

    async def _write(self, shown: Entry, changes: Mapping[str, Any]) -> None:
        path = f"{INCIDENTS}/{quote(shown.text('Request ID'), safe='')}"
        await self._send("PUT", path, {}, {"values": changes})
        if "Status" in changes:
            now = (await self._load(TicketRef(shown.text("Incident Number")))).text("Status")
            if now != changes["Status"]:
                message = f"BMC Helix {shown.text('Incident Number')} stayed {now}"
                raise PermanentError(message, Reason.REJECTED)

    async def _send(
        self, method: str, path: str, params: Mapping[str, str], body: Mapping[str, Any] | None = None
    ) -> Reply:
        raw = None if body is None else msgspec.json.encode(body)

        async def call(token: str) -> Reply:
            login = {"Authorization": f"AR-JWT {token}"}
            return await self._client.send(method, path, params=params, body=raw, headers=login)

        return await self._session.call(call)

    async def _login(self) -> str:
        form = {"username": self._config.username, "password": self._config.password.get_secret_value()}
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "*/*"}
        reply = await self._client.send(
            "POST", "/api/jwt/login", body=urlencode(form).encode(), headers=headers
        )
        token = reply.body.strip()
        if not TOKEN.fullmatch(token):
            raise PermanentError(
                "BMC Helix: the login gave no token; is the address right?", Reason.BAD_ANSWER
            )
        return token.decode()


SHOWN = (
    "Request ID",
    "Incident Number",
    "Description",
    "Status",
    "Priority",
    "Assignee",
    "Assigned Group",
    "Last Modified By",
    "Last Modified Date",
)


def to_new(config: BmcHelixConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Translate a ticket into what the form for new incidents takes."""
    group = config.teams.get(ticket.team, config.group)
    named = {
        "Company": config.company,
        "Assigned Support Company": config.support_company,
        "Assigned Support Organization": config.support_organization,
        "Assigned Group": group,
    }
    return {
        "z1D_Action": "CREATE",
        "First_Name": config.first_name,
        "Last_Name": config.last_name,
        config.key_field: ticket.key,
        "Service_Type": config.service_type,
        "Reported Source": config.source,
        "Status": config.words()[TicketState.OPEN],
        **{name: value for name, value in named.items() if value},
        **to_fields(config, ticket),
    }


def to_fields(config: BmcHelixConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Return what is kept up to date. Impact and urgency are those that make the priority."""
    place = PLACES[ticket.priority]
    return {
        "Description": one_line(ticket.title, TITLE_LENGTH),
        "Detailed_Decription": cut(with_link(ticket), TEXT_LENGTH),
        "Impact": IMPACTS[place],
        "Urgency": URGENCIES[place],
        **render_fields(config.fields, ticket),
    }


def to_state(config: BmcHelixConfig, ticket: DesiredTicket, state: TicketState) -> dict[str, Any]:
    """Return the fields that make a state."""
    word = config.words()[state]
    return {"Status": word, **state_fields(WITH_STATE, config.state_fields, ticket, state)}


def to_seen(config: BmcHelixConfig, entry: Entry) -> TicketSeen:
    """Say how an incident stands."""
    number = entry.text("Incident Number")
    return TicketSeen(
        id=number,
        at=shown_moment(f"BMC Helix {number}", entry.text("Last Modified Date")),
        actor=entry.text("Last Modified By"),
        state=config.state(entry.text("Status")),
        title=entry.text("Description"),
        priority=priority_of(entry.text("Priority"), {**PRIORITIES, **config.priorities}),
        assignee=entry.text("Assignee") or entry.text("Assigned Group"),
    )
