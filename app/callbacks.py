"""``POST /callback/{destination}``: ticketing tools tell what people did to their tickets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus

from aiohttp import web

from app.api.answers import json, not_found
from domain.errors import CallbackRefused, DeliveryError, Handshake
from domain.events import TicketsSeen, encode
from domain.ports import Broker, Callback, Message, TicketSystem, tickets_mailbox
from domain.ticket import TicketSeen
from domain.times import Millis
from ingest.problems import Refusal, wait

MAX_BODY = 1 << 20
RETRY_AFTER = 30.0


class Callbacks:
    """Takes in what tools post. It is durable before it is answered; what it means is decided by the shard."""

    def __init__(
        self, systems: Mapping[str, TicketSystem], broker: Broker, clock: Callable[[], Millis]
    ) -> None:
        self._systems = systems
        self._broker = broker
        self._clock = clock

    async def take(self, request: web.Request) -> web.Response:
        """Take one in: 202 with the number of tickets it told of."""
        name = request.match_info["destination"]
        system = self._systems.get(name)
        if system is None:
            known = ", ".join(sorted(self._systems)) or "none"
            raise not_found(
                "unknown-callback", f"no destination {name!r} takes callbacks; those are: {known}"
            )
        at = self._clock()
        try:
            seen = await self._understood(
                system, Callback(await _body(request), at, _headers(request), request.query)
            )
        except Handshake as asked:
            return web.Response(text=asked.answer)
        if seen:
            message = Message("callback", 0, encode([TicketsSeen(at, seen)]))
            await self._broker.publish(tickets_mailbox(name), [message])
        return json({"tickets": len(seen)}, HTTPStatus.ACCEPTED)

    async def _understood(self, system: TicketSystem, call: Callback) -> list[TicketSeen]:
        try:
            return list(await system.callback(call))
        except CallbackRefused as error:
            status = HTTPStatus.UNAUTHORIZED if error.is_forged else HTTPStatus.UNPROCESSABLE_ENTITY
            slug = "forged-callback" if error.is_forged else "bad-callback"
            raise Refusal(status, slug, str(error)) from error
        except DeliveryError as error:
            raise wait("tool-away", f"the tool could not be asked for more: {error}", RETRY_AFTER) from error


def _headers(request: web.Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


async def _body(request: web.Request) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY:
            detail = f"a callback may be {MAX_BODY} bytes long"
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", detail)
    return bytes(body)
