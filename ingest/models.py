"""Ingest's part of the YAML: ``sources``, ``limits`` and ``spool``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, WithJsonSchema, model_validator

from domain.sizes import parse_size
from ingest.auth import Authenticator
from ingest.reading import Bounds
from ingest.server import Source
from ingest.sources import PARSERS, PUSH_PARSERS

Size = Annotated[
    int,
    BeforeValidator(parse_size),
    Field(gt=0),
    WithJsonSchema({"type": ["string", "integer"], "title": "size", "examples": ["500kB", "5MiB", "1GiB"]}),
]
Secret = Annotated[SecretStr, Field(min_length=1)]
Label = Annotated[str, Field(min_length=1)]
SourceName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._~-]*$", max_length=64)]
"""Part of an address, ``/ingest/NAME``, so it holds only what needs no escaping there."""


def _size(default: str, description: str) -> Any:
    """A size whose default is written, and shown in the schema, as people write it."""
    return Field(default, description=description, validate_default=True)


class BasicConfig(BaseModel):
    """A name and a password for HTTP basic authentication."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    username: Annotated[str, Field(min_length=1, pattern=r"^[^:]*$")]
    password: Secret


class AuthConfig(BaseModel):
    """Who may post: whoever has any of these. In a list an old secret lives on while a new one spreads."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bearer: Secret | Annotated[list[Secret], Field(min_length=1)] | None = Field(
        None, description="Token, or a list of tokens, sent as `Authorization: Bearer TOKEN`."
    )
    basic: BasicConfig | Annotated[list[BasicConfig], Field(min_length=1)] | None = Field(
        None, description="Username and password, or a list of such pairs, for basic authentication."
    )

    @model_validator(mode="after")
    def _holds_something(self) -> AuthConfig:
        if self.bearer is None and self.basic is None:
            raise ValueError("give bearer or basic, or leave auth out to let everybody post")
        return self

    def build(self) -> Authenticator:
        """Make what checks the requests."""
        return Authenticator(
            bearer=[token.get_secret_value() for token in _listed(self.bearer)],
            basic=[(each.username, each.password.get_secret_value()) for each in _listed(self.basic)],
        )


class SourceConfig(BaseModel):
    """A monitoring tool that posts to ``/ingest/NAME``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["alertmanager"] = Field(description="Which tool it is.")
    auth: AuthConfig | None = Field(None, description="Who may post. Everybody when left out.")
    identity: Annotated[list[Label], Field(min_length=1)] | None = Field(
        None,
        description="Labels that make the identity of an alert, in place of the tool's own fingerprint.",
    )

    def build(self, name: str) -> Source:
        """Make the source that the server works with."""
        auth = self.auth.build() if self.auth else Authenticator()
        return Source(name, auth, PARSERS[self.type], PUSH_PARSERS.get(self.type))


class LimitsConfig(BaseModel):
    """The largest body that is taken in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_body: Size = _size("5MiB", "Largest body, as sent.")
    max_unpacked: Size = _size("20MiB", "Largest body after unpacking gzip or deflate.")

    def build(self) -> Bounds:
        """Make what the server works with."""
        return Bounds(max_body=self.max_body, max_unpacked=self.max_unpacked)


class SpoolConfig(BaseModel):
    """Where accepted alerts wait while the broker is away."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_size: Size = _size(
        "1GiB", "Most that is kept on disk; when it is full, senders are told to wait (503)."
    )


Sources = dict[SourceName, SourceConfig]
"""The ``sources`` of the YAML."""


def _listed(given: Any) -> list[Any]:
    if given is None:
        return []
    return given if isinstance(given, list) else [given]
