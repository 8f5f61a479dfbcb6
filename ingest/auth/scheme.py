"""The port: what a way of authenticating is shown, and what it answers.

A scheme decides purely. One that needs keys of others (SNS, Entra ID) fetches them beforehand, in ``prepare``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

from domain.times import Millis

REALM = "tocsin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """A request, as far as it can tell who sent it."""

    now: Millis
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case; the values of a repeated one joined by a comma, in their order."""
    body: bytes = field(default=b"", repr=False)
    """Unpacked. Schemes that do not read it (``reads_body``) can be asked before it is there."""
    sent: bytes | None = field(default=None, repr=False)
    """The body as it was sent, where that was packed; None where it was not."""
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    method: str = "POST"
    path: str = ""
    peer: str = ""
    """Address at the other end of the connection, which may be a proxy's."""

    @property
    def bodies(self) -> tuple[bytes, ...]:
        """What may have been signed: the body as sent, and unpacked where that differs."""
        return (self.body,) if self.sent is None else (self.sent, self.body)


class Result(StrEnum):
    """The named answers; in ``RANK`` those that tell a sender more come later."""

    ACCEPTED = "accepted"
    FORBIDDEN = "forbidden"
    """Nothing that is sent would help: the address is not one that may post."""
    NO_CREDENTIALS = "no_credentials"
    MALFORMED = "malformed"
    WRONG = "wrong"
    EXPIRED = "expired"
    """Authentic, but made too long ago, or too far ahead."""
    REPLAYED = "replayed"
    """Authentic, and taken before: answer as the first time, and take nothing."""
    UNAVAILABLE = "unavailable"
    """The keys to check it with could not be fetched: the sender should try again."""


RANK = {result: place for place, result in enumerate(Result)}


@dataclass(frozen=True, slots=True)
class Once:
    """What must not be taken twice, and until when that matters: later it would have expired anyway."""

    key: bytes
    until: Millis


@dataclass(frozen=True, slots=True)
class Confirm:
    """What to do about an authentic handshake of SNS."""

    topic: str
    url: str = ""
    """What to fetch, on the topic's own host; empty if nothing is to be done."""
    reason: str = ""
    """Why, for people."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer, and why, in words that hold no secret."""

    result: Result
    scheme: str = ""
    reason: str = ""
    once: Once | None = None
    confirm: Confirm | None = None

    @property
    def accepted(self) -> bool:
        """Whether the request is to be taken."""
        return self.result is Result.ACCEPTED

    @property
    def authentic(self) -> bool:
        """Whether it comes from who may send, be it for the first time or again."""
        return self.result is Result.ACCEPTED or self.result is Result.REPLAYED


class Scheme(Protocol):
    """One way to tell who sent a request."""

    @property
    def name(self) -> str:
        """What it is called in the configuration, in logs and metrics."""
        ...

    @property
    def challenge(self) -> str:
        """Its part of ``WWW-Authenticate``; empty if there is nothing to ask for."""
        ...

    @property
    def reads_body(self) -> bool:
        """Whether the body has a part in it."""
        ...

    def check(self, presented: Presented) -> Verdict:
        """Decide, from what is presented and what was prepared alone. Never raises."""
        ...


@runtime_checkable
class Prepares(Protocol):
    """A scheme that needs keys of others."""

    async def prepare(self, presented: Presented) -> None:
        """Fetch the keys for this request, if they may be and are not there. Never raises."""
        ...


Fetch = Callable[[str], Awaitable[bytes]]
"""Gets what is at an address, within bounds of size and time. Raises Unavailable if it cannot."""
