"""A channel of Microsoft Teams behind a workflow: takes cards, and answers 202 with nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from aiohttp import web

from adapters.fakes.base import Fake, Handler, Shown
from domain.priority import Priority

PATH, SIGNATURE = "/workflows/0123456789abcdef/triggers/manual/paths/invoke", "sIgNaTuRe0123456789"
MAX_MESSAGE = 28 * 1024
_CARD = "application/vnd.microsoft.card.adaptive"


class FakeTeams(Fake):
    """One channel."""

    type = "teams"
    priorities: ClassVar[Mapping[Priority, str]] = {priority: priority.value for priority in Priority}
    longest: ClassVar[int] = 6_000
    # A workflow answers with nothing at all, so nothing in an answer can be wrong.
    tolerates: ClassVar[frozenset[str]] = frozenset(
        {"a page", "cut short", "nothing", "no id", "a list", "an odd id"}
    )

    def __init__(self, *, search_lag: float = 0.0) -> None:
        super().__init__(search_lag=search_lag)
        self.messages: list[list[str]] = []
        """The lines of each card; the last one tells the incident."""

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """List what it answers."""
        return [web.post(PATH, self._post)]

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        return {
            "type": "teams",
            "url": f"{url}{PATH}?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sig={SIGNATURE}",
        }

    def ids(self) -> list[str]:
        """List all incidents that there are cards of."""
        return list(dict.fromkeys(_key(lines) for lines in self.messages))

    def look(self, id_: str) -> Shown:
        """See the last card of an incident, and the notes."""
        mine = [lines for lines in self.messages if _key(lines) == id_]
        last = [lines for lines in mine if lines[-1].startswith("state ")][-1]
        _, priority, title = last[0].split(" ", 2)
        state = last[-1].removeprefix("state ").partition(" · ")[0]
        notes = tuple(lines[0] for lines in mine if not lines[-1].startswith("state "))
        is_open = state not in {"resolved", "closed"}
        return Shown(title, "\n".join(last[1:]), is_open, priority, comments=notes, state=state)

    @web.middleware
    async def let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the signature in the address."""
        if request.query.get("sig") != SIGNATURE:
            wrong = {
                "error": {"code": "DirectApiAuthorizationRequired", "message": "The signature is not valid."}
            }
            return web.json_response(wrong, status=401)
        return await handler(request)

    async def _post(self, request: web.Request) -> web.Response:
        raw = await request.read()
        if len(raw) > MAX_MESSAGE:
            return web.Response(status=413)
        message = json.loads(raw)
        (attachment,) = message["attachments"]
        if message["type"] != "message" or attachment["contentType"] != _CARD:
            return web.Response(status=400)
        body = attachment["content"]["body"]
        self.messages.append(["".join(run["text"] for run in block["inlines"]) for block in body])
        return web.Response(status=202)


def _key(lines: list[str]) -> str:
    return lines[-1].rpartition("incident ")[2]
