"""What all destinations have in common: their settings, and an adapter that can nothing yet."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    model_validator,
)
from pydantic.functional_validators import AfterValidator

from adapters.delivery.hearing import Owner
from domain.errors import PermanentError, Reason
from domain.incident import TicketRef
from domain.ports import Callback, Capability, LinkKind, Polled
from domain.priority import Priority
from domain.ticket import Note, TicketSeen
from notation import Duration as Duration
from notation import lasting as lasting


def _without_login(url: HttpUrl) -> HttpUrl:
    if url.username or url.password:
        raise ValueError("has a user or password in it; give them in the destination's own settings for it")
    return url


Address = Annotated[HttpUrl, AfterValidator(_without_login)]
"""An http or https URL without a login in it."""


class Settings(BaseModel):
    """Base of all settings: unknown keys are mistakes, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Rate(Settings):
    """How many requests a destination may be sent."""

    per_minute: int = Field(ge=1)
    burst: int = Field(default=5, ge=1, description="How many may go at once after a quiet time.")


class Ownership(Settings):
    """Whose word counts where Tocsin and a person in the tool differ: tocsin, tool, or latest for the last one."""

    state: Owner = Field(
        default=Owner.LATEST,
        description="With latest, who resolves, reopens or acknowledges a ticket does so to the incident, too. "
        "With tocsin, the ticket is set right again. With tool, Tocsin never changes the state of a ticket.",
    )
    priority: Owner = Field(
        default=Owner.TOCSIN,
        description="With tocsin, a priority that a person sets is set right again. Else it stays.",
    )


class Tls(Settings):
    """How the tool is known to be the right one, and we to it. Certificates are always verified."""

    ca_file: Path | None = Field(default=None, description="PEM file of the authorities to trust instead.")
    certificate: Path | None = Field(default=None, description="PEM file with our certificate.")
    key: Path | None = Field(default=None, description="PEM file with its key, if that is apart.")

    def context(self) -> ssl.SSLContext:
        """Make what connections use.

        Raises:
            OSError: a file cannot be read, or holds no certificate.
        """
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.key)
        return context


class DestinationOptions(Settings):
    """What every destination may set, whatever tool it is."""

    rate: Rate | None = Field(default=None, description="Budget of requests; P1 goes first when it is short.")
    concurrency: int = Field(default=8, ge=1, le=100, description="How many tickets are worked on at once.")
    min_interval: Duration = lasting("1s", "Least time between two updates of one ticket.")
    timeout: Duration = lasting("30s", "How long to wait for one answer.", gt=0)

    ownership: Ownership = Field(
        default=Ownership(), description="Whose word counts where Tocsin and people differ."
    )
    poll: Duration | None = lasting(
        "1m", "How often a tool that can be asked is asked for changes; null for never.", gt=0
    )
    check_every: Duration | None = lasting(
        "6h", "How often all open tickets are compared with what they should show; null for never.", gt=0
    )
    retry_parked: bool = Field(
        default=False,
        description="Try parked tickets again when Tocsin starts, as after a change of the configuration.",
    )
    dry_run: bool = Field(default=False, description="Send nothing; write into the log what would be sent.")
    fallback: str = Field(
        default="", description="Destination that gets a P1 too which this one has not got in time."
    )
    fallback_after: Duration = lasting("5m", "How long a P1 may take to get its ticket here.", gt=0)
    tls: Tls | None = Field(default=None, description="Other than usual certificates.")
    proxy: Address | None = Field(default=None, description="HTTP proxy on the way to the tool.")

    @property
    def timeout_seconds(self) -> float:
        """The time-out as ``Http`` wants it."""
        return self.timeout / 1000


class Basic(Settings):
    """A user and password."""

    username: str
    password: SecretStr


class Auth(Settings):
    """How a tool knows us: a bearer token or basic authentication."""

    bearer: SecretStr | None = None
    basic: Basic | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Auth:
        if (self.bearer is None) == (self.basic is None):
            raise ValueError("needs one of bearer and basic")
        return self


class Adapter:
    """Base of the adapters: lacks every capability. An adapter names those it has and overrides their methods."""

    capabilities: frozenset[Capability] = frozenset()
    search_lag: float = 0.0
    reads_as: Mapping[Priority, Priority] = MappingProxyType({})

    async def find(self, key: str) -> TicketRef | None:  # noqa: ARG002 - the port's signature
        """Find nothing: this tool has no search. An unknown create is done again."""
        return None

    async def comment(self, ref: TicketRef, note: Note) -> None:
        """Write a note."""
        raise self._lacks(Capability.COMMENT, ref, note)

    async def link(self, ref: TicketRef, other: TicketRef, kind: LinkKind) -> None:
        """Relate two tickets."""
        raise self._lacks(Capability.LINK, ref, other, kind)

    async def attach(self, ref: TicketRef, name: str, content: bytes, media_type: str) -> None:
        """Attach a file."""
        raise self._lacks(Capability.ATTACH, ref, name, content, media_type)

    async def read(self, ref: TicketRef) -> TicketSeen:
        """Tell how a ticket stands."""
        raise self._lacks(Capability.READ, ref)

    async def callback(self, call: Callback) -> Sequence[TicketSeen]:
        """Understand what the tool posted."""
        raise self._lacks(Capability.CALLBACK, call)

    async def poll(self, cursor: str) -> Polled:
        """List what changed."""
        raise self._lacks(Capability.POLL, cursor)

    async def ping(self) -> None:
        """Ask nothing: this tool has no way to be asked without a message going out."""

    async def close(self) -> None:
        """Nothing to let go of: the session is shared."""

    def _lacks(self, capability: Capability, *_: object) -> PermanentError:
        return PermanentError(f"{type(self).__name__} cannot {capability.value}", Reason.BUG)
