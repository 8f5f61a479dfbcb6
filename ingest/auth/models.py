"""What may be written under ``auth``: one of these mappings, or a list of them.

Who passes any scheme of any of them may post; ``addresses`` beside others is a condition on those.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from ingest.auth.addresses import AllowedAddresses
from ingest.auth.authenticator import Authenticator
from ingest.auth.credentials import Credentials
from ingest.auth.fetching import fetch as fetch_pinned
from ingest.auth.keys import HeaderKey
from ingest.auth.model_parts import (
    AddressesConfig,
    BasicConfig,
    ClientCertificateConfig,
    EntraConfig,
    GrafanaConfig,
    HmacConfig,
    KeyConfig,
    Secrets,
    SnsConfig,
    StandardWebhooksConfig,
    listed,
    plain,
)
from ingest.auth.scheme import Fetch, Scheme
from ingest.auth.signatures import HmacRule, HmacSignature

PRESETS = {
    "github": HmacRule(header="X-Hub-Signature-256", prefix="sha256="),
    "sentry": HmacRule(header="Sentry-Hook-Signature"),
    "pagerduty": HmacRule(header="X-PagerDuty-Signature", prefix="v1="),
}
TOKENS = {"gitlab": "X-Gitlab-Token", "honeycomb": "X-Honeycomb-Webhook-Token"}


def _of_any(description: str) -> Any:
    return Field(None, description=description)


class AuthConfig(BaseModel):
    """Who may post: whoever has any of these. In a list an old secret lives on while a new one spreads."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bearer: Secrets | None = _of_any("Token, or a list of tokens, sent as `Authorization: Bearer TOKEN`.")
    basic: BasicConfig | Annotated[list[BasicConfig], Field(min_length=1)] | None = _of_any(
        "Username and password, or a list of such pairs, for basic authentication."
    )
    key: KeyConfig | Annotated[list[KeyConfig], Field(min_length=1)] | None = _of_any(
        "A secret in a header or in the query of the address, or a list of such."
    )
    hmac: HmacConfig | Annotated[list[HmacConfig], Field(min_length=1)] | None = _of_any(
        "An HMAC of the body in a header, or a list of such."
    )
    github: Secrets | None = _of_any("Secret of a GitHub webhook (`X-Hub-Signature-256`), or a list.")
    sentry: Secrets | None = _of_any(
        "Client secret of a Sentry integration (`Sentry-Hook-Signature`), or a list."
    )
    grafana: GrafanaConfig | None = _of_any(
        "HMAC of a Grafana contact point (`X-Grafana-Alerting-Signature`)."
    )
    pagerduty: Secrets | None = _of_any("Secret of a PagerDuty webhook (`X-PagerDuty-Signature`), or a list.")
    gitlab: Secrets | None = _of_any("Secret token of a GitLab webhook (`X-Gitlab-Token`), or a list.")
    honeycomb: Secrets | None = _of_any(
        "Shared secret of a Honeycomb webhook (`X-Honeycomb-Webhook-Token`), or a list."
    )
    standard_webhooks: StandardWebhooksConfig | None = _of_any("Signatures as Standard Webhooks says.")
    sns: SnsConfig | None = _of_any("Signatures of AWS SNS.")
    entra: EntraConfig | None = _of_any("Tokens of Entra ID, as Azure's secure webhooks send them.")
    client_certificate: ClientCertificateConfig | None = _of_any(
        "Client certificates (mutual TLS) that a trusted proxy checks."
    )
    addresses: AddressesConfig | None = _of_any(
        "Addresses to post from. Beside other ways these count only from here; alone it is enough to come from here."
    )

    @model_validator(mode="after")
    def _holds_something(self) -> AuthConfig:
        if not self.model_fields_set or all(getattr(self, name) is None for name in self.model_fields_set):
            raise ValueError("give bearer, basic or another way, or leave auth out to let everybody post")
        return self

    def build(self, fetch: Fetch = fetch_pinned) -> Authenticator:
        """Make what checks the requests."""
        return build(self, fetch)

    def schemes(self, fetch: Fetch) -> list[Scheme]:
        """Make all but bearer and basic."""
        made: list[Scheme] = [each.build() for each in (*listed(self.key), *listed(self.hmac))]
        made += [
            HmacSignature(rule, self._secrets(name), name)
            for name, rule in PRESETS.items()
            if self._has(name)
        ]
        made += [
            HeaderKey(self._secrets(name), head, name) for name, head in TOKENS.items() if self._has(name)
        ]
        alone = (self.grafana, self.standard_webhooks, self.client_certificate)
        made += [each.build() for each in alone if each is not None]
        made += [each.build(fetch) for each in (self.sns, self.entra) if each is not None]
        return made

    def logins(self) -> tuple[list[str], list[tuple[str, str]]]:
        """List the bearer tokens, and the names with their passwords."""
        pairs = [(each.username, each.password.get_secret_value()) for each in listed(self.basic)]
        return plain(self.bearer), pairs

    def restricted(self, fetch: Fetch) -> AllowedAddresses | None:
        """Make the condition on the address, around all others; None if there is none."""
        if self.addresses is None:
            return None
        credentials = Credentials(*self.logins())
        inner: list[Scheme] = [credentials] if credentials else []
        return self.addresses.build([*inner, *self.schemes(fetch)])

    def _has(self, name: str) -> bool:
        return getattr(self, name) is not None

    def _secrets(self, name: str) -> list[str]:
        return plain(getattr(self, name))


def _tag(given: object) -> str:
    return "list" if isinstance(given, list | tuple) else "AuthConfig"


Auth = Annotated[
    Annotated[AuthConfig, Tag("AuthConfig")]
    | Annotated[list[AuthConfig], Field(min_length=1, max_length=32), Tag("list")],
    Discriminator(_tag),
]
"""The value of ``auth``."""


def build(auth: AuthConfig | list[AuthConfig] | None, fetch: Fetch = fetch_pinned) -> Authenticator:
    """Make what checks the requests; without *auth* it lets everybody post."""
    bearer: list[str] = []
    basic: list[tuple[str, str]] = []
    schemes: list[Scheme] = []
    for each in listed(auth):
        if restricted := each.restricted(fetch):
            schemes.append(restricted)
            continue
        tokens, logins = each.logins()
        bearer += tokens
        basic += logins
        schemes += each.schemes(fetch)
    return Authenticator(bearer, basic, schemes, fetch)
