"""Znuny's Generic Interface with the web service of docs/destinations/znuny.md, as far as Tocsin uses it.

Written from what a real Znuny 6 answered and from its operations' code. The traps: every error is a 200 with
``Error``; sessions end; a search drops what it does not know, and then finds all; a ticket that is not there
is one that we may not see; ids are numbers or text, as it likes; no ``TicketID`` at all where nothing is found;
dynamic fields beside an article are the article's; leading and trailing spaces go.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any, ClassVar

import msgspec
from aiohttp import web

from adapters.fakes.base import Deed, Fake, Shown
from domain.priority import Priority
from domain.ticket import TicketState

ROOT = "/otrs/nph-genericinterface.pl/Webservice/Tocsin"
AGENT, PASSWORD, SECRET = "tocsin", 'pa"ss', "a secret of the requester"
KEY = "TocsinKey"
FIELDS = {KEY, "Room"}
QUEUES = {"Incidents", "Network"}
STATES = {
    "new": "new",
    "open": "open",
    "pending reminder": "pending reminder",
    "closed successful": "closed",
    "closed unsuccessful": "closed",
    "merged": "merged",
    "removed": "removed",
}
PRIORITIES = {
    Priority.P1: "5 very high",
    Priority.P2: "4 high",
    Priority.P3: "3 normal",
    Priority.P4: "2 low",
    Priority.P5: "1 very low",
}
WORDS = {
    TicketState.OPEN: "new",
    TicketState.ACKNOWLEDGED: "open",
    TicketState.IN_PROGRESS: "open",
    TicketState.ON_HOLD: "pending reminder",
    TicketState.RESOLVED: "closed successful",
    TicketState.CLOSED: "closed unsuccessful",
}
SETTABLE = {"Title", "Queue", "Type", "State", "Priority", "CustomerUser", "Owner", "PendingTime"}
MOST = 500


@dataclass(slots=True)
class Ticket:
    """One ticket."""

    id: int
    values: dict[str, Any]
    dynamic: dict[str, str]
    articles: list[dict[str, Any]] = field(default_factory=list)
    changed: str = ""
    cause: dict[str, Any] = field(default_factory=dict)
    """What the last event was."""


class Refused(Exception):
    """An ``Error``: its code and message."""


class FakeZnuny(Fake):
    """A Znuny."""

    type = "znuny"
    priorities = PRIORITIES
    extra_field = "DynamicField_Room"
    deeds: ClassVar[frozenset[str]] = frozenset(
        {"actor", "state", "priority", "assignee", "comment", "delete"}
    )
    logins: ClassVar[frozenset[str]] = frozenset({f"{ROOT}/SessionCreate"})

    def __init__(self, *, search_lag: float = 0.0) -> None:
        super().__init__(search_lag=search_lag)
        self.tickets: dict[int, Ticket] = {}
        self.sessions: set[str] = set()
        """Those that have not ended."""
        self.filters_by_get = False
        """Whether it has the stock web service: filters are not read."""

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """List what it answers."""
        return [
            web.post(f"{ROOT}/SessionCreate", self._create_session),
            web.post(f"{ROOT}/TicketCreate", self._operation("TicketCreate", self._create)),
            web.post(f"{ROOT}/TicketUpdate", self._operation("TicketUpdate", self._update)),
            web.post(f"{ROOT}/TicketGet", self._operation("TicketGet", self._get)),
            web.post(f"{ROOT}/TicketSearch", self._operation("TicketSearch", self._search)),
        ]

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        return {
            "type": "znuny",
            "url": url + ROOT,
            "username": AGENT,
            "password": PASSWORD,
            "queue": "Incidents",
            "customer_user": "monitoring",
            "callback_secret": SECRET,
        }

    def wrong_settings(self, url: str) -> dict[str, Any]:
        """Give settings with another password."""
        return self.settings(url) | {"password": "guess"}

    def ids(self) -> list[str]:
        """List all tickets."""
        return [str(id_) for id_ in self.tickets]

    def look(self, id_: str) -> Shown:
        """See a ticket."""
        ticket = self.tickets[int(id_)]
        text, *comments = [article["Body"] for article in ticket.articles]
        values = ticket.values
        return Shown(
            values["Title"],
            text,
            STATES[values["State"]] not in {"closed", "merged", "removed"},
            values["Priority"],
            tuple(comments),
            values["State"],
            {f"DynamicField_{name}": value for name, value in ticket.dynamic.items()},
        )

    def act(self, id_: str, deed: Deed) -> None:
        """Do what an agent does."""
        ticket = self.tickets[int(id_)]
        if deed.delete:
            del self.tickets[int(id_)]
            return
        if deed.state is not None:
            self._changed(ticket, "TicketStateUpdate", State=WORDS[deed.state])
        if deed.priority is not None:
            self._changed(ticket, "TicketPriorityUpdate", Priority=PRIORITIES[deed.priority])
        if deed.assignee is not None:
            self._changed(ticket, "TicketOwnerUpdate", Owner=deed.assignee)
        if deed.comment is not None:
            self._written(ticket, {"From": f"{deed.actor}@example.org", "Body": deed.comment})

    def callback_of(self, id_: str) -> tuple[dict[str, str], bytes]:
        """Give what the invoker Ticket::Generic posts, with basic authentication."""
        ticket = self.tickets[int(id_)]
        dynamic = {f"DynamicField_{name}": value for name, value in ticket.dynamic.items()}
        deep = _shown(ticket) | dynamic | {"Articles": ticket.articles}
        login = b64encode(f"znuny:{SECRET}".encode()).decode()
        body = msgspec.json.encode({"Event": {"TicketID": str(ticket.id), **ticket.cause}, "Ticket": deep})
        return {"authorization": f"Basic {login}", "content-type": "application/json; charset=UTF-8"}, body

    async def _create_session(self, request: web.Request) -> web.Response:
        if await request.json() != {"UserLogin": AGENT, "Password": PASSWORD}:
            return _error("SessionCreate.AuthFail", "SessionCreate: Authorization failing!")
        session = token_hex(16)
        self.sessions.add(session)
        return web.json_response({"SessionID": session})

    def _operation(self, name: str, run: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
        async def answer(request: web.Request) -> web.Response:
            body = await request.json()
            if body.pop("SessionID", "") not in self.sessions:
                return _error(f"{name}.AuthFail", f"{name}: Authorization failing!")
            try:
                return web.json_response(run(body))
            except Refused as refused:
                code, message = refused.args
                return _error(f"{name}.{code}", f"{name}: {message}")

        return answer

    def _create(self, body: dict[str, Any]) -> dict[str, Any]:
        values, article = _trimmed(body["Ticket"]), _trimmed(body["Article"])
        for name in ("Title", "CustomerUser", "State", "Priority", "Queue"):
            if not values.get(name):
                raise Refused("MissingParameter", f"Ticket->{name} parameter is missing!")
        _check(values)
        _check_article(article)
        dynamic = _dynamic(body.get("DynamicField", []))
        ticket = Ticket(len(self.tickets) + 1, {"Owner": "root@localhost", **values}, dynamic)
        self.tickets[ticket.id] = ticket
        self._written(ticket, article)
        return {"TicketID": str(ticket.id), "TicketNumber": f"2026{ticket.id:06}", "ArticleID": "1"}

    def _update(self, body: dict[str, Any]) -> dict[str, Any]:
        ticket = self._ticket(body["TicketID"])
        values = _trimmed(body.get("Ticket", {}))
        article = _trimmed(body.get("Article", {}))
        _check(values)
        if article:
            _check_article(article)
        dynamic = _dynamic(body.get("DynamicField", []))
        if not article:
            ticket.dynamic |= dynamic
        self._changed(ticket, "TicketUpdate", **values)
        if article:
            self._written(ticket, article | {"Attachment": body.get("Attachment", [])})
        return {"TicketID": ticket.id}

    def _get(self, body: dict[str, Any]) -> dict[str, Any]:
        tickets = [self._ticket(id_) for id_ in body["TicketID"]]
        shown = [_shown(ticket) for ticket in tickets]
        for one, ticket in zip(shown, tickets, strict=True):
            if body.get("DynamicFields"):
                held = [{"Name": name, "Value": ticket.dynamic.get(name)} for name in sorted(FIELDS)]
                one["DynamicField"] = held
        return {"Ticket": shown}

    def _search(self, body: dict[str, Any]) -> dict[str, Any]:
        found = list(self.tickets.values())
        if not self.filters_by_get:
            found = [ticket for ticket in found if _is_hit(ticket, body)]
        if body.get("SortBy") == "Changed":
            found.sort(key=lambda ticket: ticket.changed)
        if body.get("OrderBy", "Down") == "Down":
            found.reverse()
        hits = found[: body.get("Limit", MOST)]
        return {"TicketID": [str(ticket.id) for ticket in hits]} if hits else {}

    def _ticket(self, id_: int | str) -> Ticket:
        ticket = self.tickets.get(int(id_))
        if ticket is None:
            raise Refused("AccessDenied", "User does not have access to the ticket!")
        return ticket

    def _changed(self, ticket: Ticket, event: str, **values: Any) -> None:
        ticket.values |= values
        ticket.changed = _now()
        ticket.cause = {"Event": event}

    def _written(self, ticket: Ticket, article: Mapping[str, Any]) -> None:
        self._changed(ticket, "ArticleCreate")
        id_ = str(ticket.id * 1000 + len(ticket.articles))
        ticket.articles.append({**article, "ArticleID": id_, "CreateTime": _now()})
        ticket.cause["ArticleID"] = id_


def _error(code: str, message: str) -> web.Response:
    return web.json_response({"Error": {"ErrorCode": code, "ErrorMessage": message}})


def _trimmed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}


def _check(values: Mapping[str, Any]) -> None:
    legal = {"State": STATES, "Queue": QUEUES, "Priority": set(PRIORITIES.values())}
    for name, value in values.items():
        if name not in SETTABLE or value not in legal.get(name, [value]):
            raise Refused("InvalidParameter", f"Ticket->{name} parameter is invalid!")


def _check_article(article: Mapping[str, Any]) -> None:
    for name in ("Subject", "Body", "ContentType"):
        if not article.get(name):
            raise Refused("MissingParameter", f"Article->{name} parameter is missing!")


def _dynamic(fields: list[dict[str, str]]) -> dict[str, str]:
    for one in fields:
        if one["Name"] not in FIELDS:
            raise Refused("InvalidParameter", "DynamicField->Name parameter is invalid!")
    return {one["Name"]: one["Value"] for one in fields}


def _is_hit(ticket: Ticket, query: Mapping[str, Any]) -> bool:
    """Heed the conditions on fields that there are; the others are as if they were not there."""
    for name in FIELDS:
        condition = query.get(f"DynamicField_{name}", {})
        held = ticket.dynamic.get(name, "")
        if "Equals" in condition and condition["Equals"] != held:
            return False
        if "Empty" in condition and bool(condition["Empty"]) == bool(held):
            return False
    return ticket.changed >= str(query.get("TicketLastChangeTimeNewerDate", ""))


def _shown(ticket: Ticket) -> dict[str, Any]:
    state = ticket.values["State"]
    return {
        "TicketID": ticket.id,
        "TicketNumber": f"2026{ticket.id:06}",
        "StateType": STATES[state],
        "Changed": ticket.changed,
        **ticket.values,
    }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
