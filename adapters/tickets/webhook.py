"""A webhook: our own contract, for tools of one's own and for those without an adapter.

Each change is a POST that names its ticket by ``key``; ``GET url?key=KEY`` settles whether a POST whose
answer was lost was done. ``Idempotency-Key`` is the same for every attempt at the same version. Signed, where
a secret is set, as "Standard Webhooks" (standardwebhooks.com, specification 1.0) says.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from secrets import token_hex
from typing import Annotated, Any, Literal

import aiohttp
import msgspec
import standardwebhooks
from pydantic import Field, SecretStr, StringConstraints, field_validator

from adapters.http import Client, Http, Reply
from adapters.tickets.base import Adapter, Address, Auth, DestinationOptions
from domain.errors import DeliveryError, PermanentError, Reason
from domain.incident import TicketRef
from domain.ports import Capability
from domain.ticket import DesiredTicket, TicketAction

HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
OURS = re.compile(
    r"(?i)^(idempotency-key|content-.*|host|transfer-encoding|webhook-(id|timestamp|signature))$"
)


class WebhookConfig(DestinationOptions):
    """Settings of one webhook."""

    type: Literal["webhook"]
    url: Address = Field(description="Where changes are posted, and tickets are looked up with ?key=")
    secret: SecretStr | None = Field(
        default=None,
        description="Signs each request: whsec_ and base64, or any text, whose UTF-8 bytes are the key.",
    )
    auth: Auth | None = None
    headers: dict[HeaderName, SecretStr] = Field(default={}, description="Sent with each request.")

    @field_validator("secret")
    @classmethod
    def _can_sign(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            signer(secret.get_secret_value())
        return secret

    @field_validator("headers")
    @classmethod
    def _can_be_sent(cls, headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, value in headers.items():
            if OURS.match(name):
                raise ValueError(f"{name} is set by Tocsin itself; leave it out")
            if not value.get_secret_value().isprintable():
                raise ValueError(f"the value of {name} has a line break or another control character in it")
        return headers

    def build(self, http: Http) -> Webhook:
        """Make the ticket system of these settings."""
        return Webhook(self, http)


class Webhook(Adapter):
    """The sending side of the contract."""

    capabilities = frozenset({Capability.FIND, Capability.UPDATE, Capability.REOPEN, Capability.PING})

    def __init__(
        self, config: WebhookConfig, http: Http, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._client = _client(config, http)
        self._signer = signer(config.secret.get_secret_value()) if config.secret else None
        self._clock = clock

    async def find(self, key: str) -> TicketRef | None:
        """Ask for the ticket of *key*."""
        try:
            reply = await self._client.send("GET", params={"key": key})
        except PermanentError as error:
            if error.reason is Reason.NOT_FOUND:
                return None
            raise
        return reply.read(Named).ref()

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Post a new ticket; the answer must name it."""
        reply = await self._post(TicketAction.CREATE, ticket)
        return reply.read(Named).ref()

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Post what changed; the answer may name the ticket anew."""
        reply = await self._post(action, ticket)
        try:
            return reply.read(Named).ref(ref)
        except DeliveryError:
            return ref

    async def ping(self) -> None:
        """Look up a key that nobody has: shows that we are let in and that look-ups can be trusted."""
        found = await self.find(f"probe{token_hex(8)}")
        if found is not None:
            message = f"GET ?key= of a key that was never used found ticket {found.id}; it must answer 404"
            raise PermanentError(message, Reason.BAD_ANSWER)

    async def _post(self, action: TicketAction, ticket: DesiredTicket) -> Reply:
        body = msgspec.json.encode(to_body(action, ticket))
        name = f"{ticket.key}:{ticket.version}"
        headers = {"Idempotency-Key": name, **self._signature(name, body)}
        return await self._client.send("POST", body=body, headers=headers)

    def _signature(self, name: str, body: bytes) -> dict[str, str]:
        if self._signer is None:
            return {}
        now = self._clock()
        return {
            "webhook-id": name,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(name, now, body.decode()),
        }


class Named(msgspec.Struct):
    """How the other side names a ticket."""

    id: Annotated[str, msgspec.Meta(min_length=1)] | int
    url: str | None = None

    def ref(self, known: TicketRef | None = None) -> TicketRef:
        """Return it as a reference; a ticket that is *known* keeps its address where none is given."""
        id_ = str(self.id)
        kept = known.url if known is not None and known.id == id_ else ""
        return TicketRef(id_, self.url or kept)


def to_body(action: TicketAction, ticket: DesiredTicket) -> dict[str, Any]:
    """Translate a ticket into the body of the contract."""
    shown = (
        "title",
        "description",
        "priority",
        "impact",
        "urgency",
        "state",
        "team",
        "service",
        "labels",
        "alerts",
        "url",
    )
    return {
        "action": action,
        "key": ticket.key,
        "version": ticket.version,
        "ticket": {name: getattr(ticket, name) for name in shown},
    }


def signer(secret: str) -> standardwebhooks.Webhook:
    """Make what signs with *secret*.

    Raises:
        ValueError: it has the prefix but is not base64, or is empty.
    """
    key = b64decode(secret.removeprefix("whsec_") + "==") if secret.startswith("whsec_") else secret.encode()
    if not key:
        raise ValueError("is empty")
    return standardwebhooks.Webhook(key)


def _client(config: WebhookConfig, http: Http) -> Client:
    own = {name: value.get_secret_value() for name, value in config.headers.items()}
    login = _login(config.auth)
    secrets = [*own.values(), *(part for value in login.values() for part in value.split()[1:])]
    return http.client(
        str(config.url), headers={**own, **login}, secrets=secrets, timeout=config.timeout_seconds
    )


def _login(auth: Auth | None) -> Mapping[str, str]:
    if auth is None:
        return {}
    if auth.bearer is not None:
        return {"Authorization": f"Bearer {auth.bearer.get_secret_value()}"}
    assert auth.basic is not None
    password = auth.basic.password.get_secret_value()
    return {"Authorization": aiohttp.encode_basic_auth(auth.basic.username, password)}
