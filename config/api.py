"""The ``api`` part of the YAML: who may look, and who may do something."""

from __future__ import annotations

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from domain.access import Role

SHORTEST = 16
LOOPBACK = {"127.0.0.1", "::1", "localhost"}

Name = Annotated[str, Field(min_length=1, max_length=128)]


def _long_enough(token: SecretStr) -> SecretStr:
    if len(token.get_secret_value()) < SHORTEST:
        raise ValueError(
            f"a token is at least {SHORTEST} characters long; openssl rand -hex 24 makes a good one"
        )
    return token


def _issuer(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return url
    raise ValueError(
        "should be an address like https://login.example.com/realms/acme, as the provider writes it"
    )


class TokenConfig(BaseModel):
    """A token for a script or a person."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name = Field(description="Who has it; the audit log and timelines name them so.")
    token: Annotated[SecretStr, AfterValidator(_long_enough)] = Field(
        description="The token, sent as `Authorization: Bearer TOKEN`; better a reference like ${TOCSIN_BOT_TOKEN}."
    )
    role: Role = Field(
        Role.VIEWER,
        description="viewer looks; operator also acts on incidents, tickets and the quarantine; admin also reloads "
        "the configuration and reads the audit log.",
    )


class OidcConfig(BaseModel):
    """An OpenID provider, such as Keycloak, Entra ID, Okta or Authentik, whose access or ID tokens are taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: Annotated[str, AfterValidator(_issuer)] = Field(
        description="The provider's issuer, exactly as its discovery document and its tokens have it."
    )
    audience: Name | Annotated[list[Name], Field(min_length=1)] = Field(
        description="Whom tokens must be made for, one of these: the client id that Tocsin has at the provider."
    )
    roles: Annotated[dict[Name, Role], Field(min_length=1)] = Field(
        description="Role by a value of the claim, for example {sre: operator, everyone: viewer}. The highest counts."
    )
    claim: Name = Field(
        "groups", description="Claim with groups or roles; dots lead into objects, like realm_access.roles."
    )
    name: Name = Field("email", description="Claim that names the person; sub where it is missing.")


class ApiConfig(BaseModel):
    """Who may use the API. Sources and callbacks have their own ways."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tokens: list[TokenConfig] = Field(default_factory=list, description="Tokens that are let in.")
    oidc: list[OidcConfig] = Field(
        default_factory=list, description="OpenID providers whose tokens are let in."
    )
    anonymous: Role | None = Field(
        None,
        description="What may be done without a token. Left out: nothing where tokens or oidc are given, else "
        "everything, and then serve listens on loopback only.",
    )
    metrics_need_token: bool = Field(
        False, description="Whether /metrics is for viewers only; Prometheus can send a token."
    )

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [each.name for each in self.tokens]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two tokens are called {twice!r}; the audit log could not tell them apart")
        return self

    @property
    def is_open(self) -> bool:
        """Whether everybody may do something with it, and nobody said that this is meant."""
        return self.anonymous is None and not self.tokens and not self.oidc

    @property
    def without_token(self) -> Role | None:
        """What may be done without a token."""
        return Role.ADMIN if self.is_open else self.anonymous
