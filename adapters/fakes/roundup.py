"""Roundup 2.6's classic tracker with ``external_id``, as far as Tocsin uses its REST API, with its traps.

Written from what a real Roundup 2.6.0 answered. The traps: a search for an empty text finds all issues; a retired
issue reads as ever and is in no list; a message moves an unread or resolved issue to *chatting*; a write without
the right ETag is a 412, one from another origin a 400; a message without an author makes no issue.
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import md5
from typing import Any, ClassVar

from aiohttp import web

from adapters.fakes.base import Deed, Fake, Handler, Shown
from adapters.fakes.told import SECRET, posting
from domain.priority import Priority
from domain.ticket import TicketState

USER = "tocsin"
PASSWORD = "pa55-of-tocsin"  # noqa: S105 - of a fake
LOGIN = f"Basic {b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
STATUSES = ("unread", "deferred", "chatting", "need-eg", "in-progress", "testing", "done-cbb", "resolved")
PRIORITIES = ("critical", "urgent", "bug", "feature", "wish")
USERS = (USER, "alice", "bob", "payments")
WORDS = {
    TicketState.OPEN: "unread",
    TicketState.ACKNOWLEDGED: "chatting",
    TicketState.IN_PROGRESS: "in-progress",
    TicketState.ON_HOLD: "deferred",
    TicketState.RESOLVED: "resolved",
    TicketState.CLOSED: "done-cbb",
}
OVER = {"resolved", "done-cbb"}
LINKS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "status": ("name", STATUSES),
    "priority": ("name", PRIORITIES),
    "assignedto": ("username", USERS),
    "author": ("username", USERS),
    "actor": ("username", USERS),
}
SCHEMA: Mapping[str, Mapping[str, Any]] = {
    "issue": {
        "title": None,
        "status": None,
        "priority": None,
        "assignedto": None,
        "external_id": None,
        "runbook": None,
        "messages": [],
        "superseder": [],
    },
    "msg": {"content": None, "author": None},
}
KNOWN = ("activity", "creation", "actor")


@dataclass(slots=True)
class Thing:
    """An issue or a message."""

    id: str
    values: dict[str, Any]
    creation: float
    activity: float
    actor: str = USER
    is_retired: bool = False

    @property
    def etag(self) -> str:
        """What a write must show."""
        return f'"{md5(repr((self.values, self.activity)).encode(), usedforsecurity=False).hexdigest()}"'


@dataclass(slots=True)
class Class:
    """All of a kind."""

    things: dict[str, Thing] = field(default_factory=dict)

    def add(self, values: Mapping[str, Any], who: str) -> Thing:
        """Make one."""
        now = time.time()
        thing = Thing(str(len(self.things) + 1), dict(values), now, now, who)
        self.things[thing.id] = thing
        return thing


class FakeRoundup(Fake):
    """One tracker."""

    type = "roundup"
    priorities: ClassVar[Mapping[Priority, str]] = dict(zip(Priority, PRIORITIES, strict=True))
    extra_field = "runbook"
    deeds = frozenset({"state", "priority", "assignee", "comment", "merge_into", "delete"})

    def __init__(self, *, search_lag: float = 0.0) -> None:
        super().__init__(search_lag=search_lag)
        self.classes = {"issue": Class(), "msg": Class()}

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """List what it answers."""
        return [
            web.get("/rest/data/{class:status|priority|user}", self._names),
            web.get("/rest/data/{class:issue|msg}", self._list),
            web.post("/rest/data/{class:issue|msg}", self._create),
            web.get("/rest/data/{class:issue|msg}/{id:\\d+}", self._show),
            web.patch("/rest/data/{class:issue|msg}/{id:\\d+}", self._patch),
        ]

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        login = {"username": USER, "password": PASSWORD}
        return {"type": "roundup", "url": url, "callback_secret": SECRET, **login}

    def wrong_settings(self, url: str) -> dict[str, Any]:
        """Give settings with another password."""
        return self.settings(url) | {"password": "wrong"}

    def ids(self) -> list[str]:
        """List all issues."""
        return list(self.classes["issue"].things)

    def look(self, id_: str) -> Shown:
        """See an issue; its first message is its description."""
        values = self.classes["issue"].things[id_].values
        said = [self.classes["msg"].things[one].values["content"] for one in values["messages"]]
        return Shown(
            values["title"],
            said[0] if said else "",
            values["status"] not in OVER,
            values["priority"],
            comments=tuple(said[1:]),
            state=values["status"],
            fields=values,
        )

    def act(self, id_: str, deed: Deed) -> None:
        """Do what a person does."""
        issue, changes = self.classes["issue"].things[id_], dict[str, Any]()
        if deed.state is not None:
            changes["status"] = WORDS[deed.state]
        if deed.priority is not None:
            changes["priority"] = self.priorities[deed.priority]
        if deed.assignee is not None:
            changes["assignedto"] = deed.assignee
        if deed.merge_into is not None:
            changes["superseder"] = [deed.merge_into]
        if deed.comment is not None:
            said = self.classes["msg"].add({"content": deed.comment, "author": deed.actor}, deed.actor)
            changes["messages"] = [*issue.values["messages"], said.id]
        self._set(issue, changes, deed.actor)
        issue.is_retired = deed.delete

    def callback_of(self, id_: str) -> tuple[dict[str, str], bytes]:
        """Post what the detector of docs/destinations/roundup.md does."""
        issue = self.classes["issue"].things[id_]
        last = self.classes["msg"].things[issue.values["messages"][-1]]
        theirs = last if last.values["author"] != USER else None
        return posting(
            id=id_,
            state=issue.values["status"],
            priority=issue.values["priority"],
            assignee=issue.values["assignedto"] or "",
            actor=issue.actor,
            updated_at=datetime.fromtimestamp(int(issue.activity), UTC).isoformat(),
            comment=theirs.values["content"] if theirs else "",
            comment_id=theirs.id if theirs else "",
            merged_into=next(iter(issue.values["superseder"]), ""),
            deleted=issue.is_retired or None,
        )

    @web.middleware
    async def let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the login, and where a request says that it comes from."""
        if request.headers.get("Authorization") != LOGIN:
            return web.Response(status=401, text="Invalid Login - Invalid login")
        if request.method != "GET" and not {"Origin", "X-Requested-With"} <= set(request.headers):
            return _error(400, "Required Header Missing")
        if request.headers.get("Origin", "") not in ("", str(request.url.origin())):
            return _error(400, "Client is not allowed to use Rest Interface.")
        return await handler(request)

    async def _names(self, request: web.Request) -> web.Response:
        kind = {"user": "assignedto"}.get(request.match_info["class"], request.match_info["class"])
        name, words = LINKS[kind]
        return _listed([{"id": str(number), name: word} for number, word in enumerate(words, 1)])

    async def _list(self, request: web.Request) -> web.Response:
        kind, found = self._class(request), []
        filters = {name: value for name, value in request.query.items() if not name.startswith("@")}
        for name in filters:
            if name.rstrip(":") not in {"id", *SCHEMA[kind]} or name == "id:":
                return _error(400, f"Field {name} is not valid for {kind} class.")
        for thing in self.classes[kind].things.values():
            shown = {"id": thing.id, **thing.values}
            fits = all(value in ("", shown[name.rstrip(":")]) for name, value in filters.items())
            if fits and not thing.is_retired and time.time() >= thing.creation + self.search_lag:
                found.append(thing)
        if (by := request.query.get("@sort", "id").split(",")[0]).startswith("-"):
            found.sort(key=lambda one: (int(getattr(one, by[1:])), int(one.id)), reverse=True)
        size = int(request.query.get("@page_size", "0")) or len(found)
        start = (int(request.query.get("@page_index", "1")) - 1) * size
        rows = [{"id": one.id, **self._shown(request, kind, one)} for one in found[start : start + size]]
        return _listed(rows)

    async def _create(self, request: web.Request) -> web.Response:
        kind, values = self._class(request), await request.json()
        if wrong := _mistake(kind, values):
            return _error(400, wrong)
        said = [self.classes["msg"].things[one] for one in values.get("messages", ())]
        if any(one.values["author"] is None for one in said):
            return _error(409, '"nosy" multilink value ([None]) must contain Strings')
        preset = {"status": "unread"} if kind == "issue" else {}
        made = self.classes[kind].add({**_copied(SCHEMA[kind]), **preset, **values}, USER)
        return web.json_response({"data": {"id": made.id}}, status=201)

    async def _show(self, request: web.Request) -> web.Response:
        kind, thing = self._class(request), self._thing(request)
        if thing is None:
            return _error(404, f"no such {kind} {request.match_info['id']}")
        shown = {"id": thing.id, "type": kind, "attributes": self._shown(request, kind, thing)}
        return web.json_response({"data": {**shown, "@etag": thing.etag}})

    async def _patch(self, request: web.Request) -> web.Response:
        kind, thing, values = self._class(request), self._thing(request), await request.json()
        if thing is None:
            return _error(404, f"no such {kind} {request.match_info['id']}")
        if request.headers.get("If-Match") != thing.etag:
            return _error(
                412, "If-Match is missing or does not match. Retrieve asset and retry modification."
            )
        if thing.is_retired:
            return _error(409, "Requested item is retired")
        if "@op" in values:
            raise web.HTTPNotImplemented  # adds texts and numbers to those that are there
        if wrong := _mistake(kind, values):
            return _error(400, wrong)
        self._set(thing, values, USER)
        return web.json_response({"data": {"id": thing.id, "type": kind, "attribute": values}})

    def _class(self, request: web.Request) -> str:
        return request.match_info["class"]

    def _thing(self, request: web.Request) -> Thing | None:
        return self.classes[self._class(request)].things.get(request.match_info["id"])

    def _set(self, thing: Thing, changes: dict[str, Any], who: str) -> None:
        """Change it, as the detector ``statusauditor`` lets it be changed."""
        talked = changes.get("messages", thing.values.get("messages")) != thing.values.get("messages")
        if talked and "status" not in changes and thing.values["status"] in {"unread", *OVER}:
            changes["status"] = "chatting"
        thing.values |= changes
        thing.activity, thing.actor = time.time(), who

    def _shown(self, request: web.Request, kind: str, thing: Thing) -> dict[str, Any]:
        everything = {
            **thing.values,
            "activity": _moment(thing.activity),
            "creation": _moment(thing.creation),
            "actor": thing.actor,
        }
        names = request.query.get("@fields", "").split(",")
        verbose = int(request.query.get("@verbose", "1"))
        return {
            name: _value(name, everything[name], verbose) for name in names if name in {*SCHEMA[kind], *KNOWN}
        }


def _value(name: str, value: Any, verbose: int) -> Any:
    if isinstance(value, list):
        return [{"id": one, "link": f"…/{one}"} for one in value]
    if name in LINKS and value is not None:
        label, words = LINKS[name]
        more = {label: value} if verbose > 1 else {}
        return {"id": str(words.index(value) + 1), **more}
    if name == "content" and verbose < 3:  # noqa: PLR2004 - Roundup's number
        return {"link": "…/msg"}
    return value


def _mistake(kind: str, values: Mapping[str, Any]) -> str:
    for name, value in values.items():
        if name not in SCHEMA[kind]:
            return f"Property {name} not found in class {kind}"
        if name in LINKS and value not in LINKS[name][1]:
            return f"property {name}: {value!r} is not a {name}."
    return ""


def _copied(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, list) else value for name, value in values.items()}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d.%H:%M:%S")


def _listed(rows: list[dict[str, Any]]) -> web.Response:
    return web.json_response({"data": {"collection": rows, "@total_size": len(rows)}})


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"status": status, "msg": message}}, status=status)
