"""The door to the API: who asks, whether they may, and a line in the audit log for whatever is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus

from aiohttp import web

from app.access.asking import NOBODY, PRINCIPAL
from app.access.audit import Audit
from app.access.oidc import NotLetIn, Oidc, ProviderAway
from app.access.tokens import Tokens
from app.api.answers import READ, Handler
from domain.access import Principal, Role
from domain.times import Millis
from ingest.problems import Refusal, wait

RETRY_AFTER = 10.0
AUDIT, RELOAD, METRICS = "/api/v1/audit", "/api/v1/reload", "/metrics"
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="tocsin"'}


@dataclass(frozen=True, slots=True)
class Door:
    """Whom the configuration lets in."""

    tokens: Tokens
    providers: Sequence[Oidc]
    anonymous: Role | None
    """What may be done without a token; None for nothing."""
    metrics_need_token: bool = False


class Gate:
    """Lets in whom the configuration names, as it is at the time."""

    def __init__(self, door: Callable[[], Door], audit: Audit, clock: Callable[[], Millis]) -> None:
        self._door = door
        self._audit = audit
        self._clock = clock

    def guarded(self, path: str, handler: Handler) -> Handler:
        """Let only those to *handler*, which answers at *path*, who may do what they ask."""

        @wraps(handler)
        async def answer(request: web.Request) -> web.StreamResponse:
            """Answer those who may ask."""
            door = self._door()
            if path == METRICS and not door.metrics_need_token:
                return await handler(request)
            principal = await self._let_in(door, request)
            _check_role(principal, needed(path, request.method))
            request[PRINCIPAL] = principal
            if request.method in READ:
                return await handler(request)
            return await self._recorded(request, principal, handler)

        return answer

    async def _recorded(
        self, request: web.Request, principal: Principal, handler: Handler
    ) -> web.StreamResponse:
        """Do it and record it, also where it is refused."""
        try:
            response = await handler(request)
        except Refusal as refusal:
            await self._audit.record(principal, request, refusal.status)
            raise
        await self._audit.record(principal, request, response.status)
        return response

    async def _let_in(self, door: Door, request: web.Request) -> Principal:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return _without_token(door)
        if scheme.lower() != "bearer":
            raise _unauthorized("only bearer tokens are taken here")
        return door.tokens.owner(token.strip()) or await self._by_provider(door, token.strip())

    async def _by_provider(self, door: Door, token: str) -> Principal:
        reason = "the token is none that is known"
        for provider in door.providers:
            try:
                return await provider.owner(token, self._clock())
            except NotLetIn as error:
                reason = str(error)
            except ProviderAway as error:
                raise wait("provider-away", str(error), RETRY_AFTER) from error
        raise _unauthorized(reason)


def _without_token(door: Door) -> Principal:
    if door.anonymous is None:
        raise _unauthorized("a token is needed: Authorization: Bearer TOKEN")
    return Principal(NOBODY, door.anonymous)


def needed(path: str, method: str) -> Role:
    """Say what one must be to use a method of an address."""
    if method in READ:
        return Role.ADMIN if path == AUDIT else Role.VIEWER
    return Role.ADMIN if path == RELOAD else Role.OPERATOR


def _check_role(principal: Principal, wanted: Role) -> None:
    if not principal.role.may(wanted):
        detail = f"this takes the role {wanted}, and {principal.name} has the role {principal.role}"
        raise Refusal(HTTPStatus.FORBIDDEN, "not-allowed", detail)


def _unauthorized(detail: str) -> Refusal:
    return Refusal(HTTPStatus.UNAUTHORIZED, "unauthorized", detail, headers=CHALLENGE)
