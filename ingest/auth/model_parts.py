"""The parts of ``auth``: one model for each scheme that takes more than secrets, beside what it builds."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)

from ingest.auth.addresses import AllowedAddresses, Networks, read_network
from ingest.auth.client_certificate import CertificateRule, ClientCertificate
from ingest.auth.keys import HeaderKey, QueryKey
from ingest.auth.pins import ACTION_GROUPS, TENANT, Cloud
from ingest.auth.scheme import Fetch, Scheme
from ingest.auth.signatures import PLACEHOLDER, Algorithm, Encoding, HmacRule, HmacSignature
from ingest.auth.standard_webhooks import PUBLIC_PREFIX, SECRET_PREFIX, StandardWebhooks, read_secret
from notation import Duration, lasting

_TOPIC = re.compile(r"arn:aws[a-z-]{0,12}:sns:[a-z0-9*-]{1,32}:[0-9]{12}:[A-Za-z0-9._*-]{1,256}")

Secret = Annotated[SecretStr, Field(min_length=1)]
Secrets = Secret | Annotated[list[Secret], Field(min_length=1)]
Header = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", max_length=128)]


def _checked_network(text: str) -> str:
    read_network(text)
    return text


def _checked_topic(text: str) -> str:
    if not _TOPIC.fullmatch(text):
        raise ValueError(
            f"{text!r} is not the ARN of a topic, like arn:aws:sns:eu-central-1:123456789012:alarms; "
            "* may stand in the region and the name"
        )
    return text


Network = Annotated[str, AfterValidator(_checked_network)]
TopicPattern = Annotated[str, AfterValidator(_checked_topic)]
TenantId = Annotated[str, BeforeValidator(lambda text: str(text).lower()), Field(pattern=f"^{TENANT}$")]


def listed(given: Any) -> list[Any]:
    """Make a list of what may be one, several or none."""
    if given is None:
        return []
    return given if isinstance(given, list) else [given]


def plain(secrets: SecretStr | list[SecretStr] | None) -> list[str]:
    """List the secrets themselves."""
    return [secret.get_secret_value() for secret in listed(secrets)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BasicConfig(_Part):
    """A name and a password for HTTP basic authentication."""

    username: Annotated[str, Field(min_length=1, pattern=r"^[^:]*$", description="Name, without a colon.")]
    password: Secret = Field(description="Password.")


class KeyConfig(_Part):
    """A secret that is sent as it is, in a header or in the query."""

    header: Header | None = Field(None, description="Header that holds the key, like `X-Api-Key`.")
    query: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="Parameter of the address that holds the key, for tools that can set nothing else."
    )
    secret: Secrets = Field(description="The key, or a list of keys.")

    @model_validator(mode="after")
    def _is_somewhere(self) -> KeyConfig:
        if (self.header is None) == (self.query is None):
            raise ValueError("give either header or query, to say where the key is")
        return self

    def build(self) -> Scheme:
        """Make what checks it."""
        if self.header is not None:
            return HeaderKey(plain(self.secret), self.header)
        return QueryKey(plain(self.secret), self.query or "")


class HmacConfig(_Part):
    """An HMAC of the body, and perhaps of a timestamp and an id, in a header."""

    secret: Secrets = Field(description="The secret, or a list of secrets.")
    header: Header = Field(description="Header that holds the signature, or several with commas between.")
    algorithm: Algorithm = Field("sha256", description="Hash of the HMAC.")
    encoding: Encoding = Field("hex", description="How the signature is written.")
    prefix: str = Field(
        "", pattern=r"^[^,\s]*$", description="What stands before the signature, like `sha256=`."
    )
    timestamp_header: Header | None = Field(
        None, description="Header with the time of signing: Unix seconds or milliseconds, or RFC 3339."
    )
    id_header: Header | None = Field(
        None, description="Header with the id of the message, where it is signed too."
    )
    signed: str | None = Field(
        None,
        description="What is signed, of `{timestamp}`, `{id}` and `{body}`. "
        "`{body}` when left out, `{timestamp}.{body}` with a timestamp_header.",
    )
    tolerance: Duration = lasting("5m", "How far the signed time may be from now.")

    @model_validator(mode="after")
    def _signs_what_it_reads(self) -> HmacConfig:
        named = PLACEHOLDER.findall(self.template)
        for name, header in (("timestamp", self.timestamp_header), ("id", self.id_header)):
            if (header is not None) != (name in named):
                raise ValueError(f"signed must hold {{{name}}} if {name}_header is given, and only then")
        if named.count("body") != 1:
            raise ValueError("signed must hold {body}, once")
        return self

    @property
    def template(self) -> str:
        """What is signed."""
        return self.signed or ("{timestamp}.{body}" if self.timestamp_header else "{body}")

    def build(self) -> Scheme:
        """Make what checks it."""
        rule = HmacRule(
            header=self.header,
            algorithm=self.algorithm,
            encoding=self.encoding,
            prefix=self.prefix,
            signed=self.template,
            timestamp_header=self.timestamp_header or "",
            id_header=self.id_header or "",
            tolerance=self.tolerance,
        )
        return HmacSignature(rule, plain(self.secret))


class GrafanaConfig(_Part):
    """The HMAC signature of a Grafana contact point."""

    secret: Secrets = Field(description="The secret, or a list of secrets.")
    header: Header = Field("X-Grafana-Alerting-Signature", description="Its `Header`.")
    timestamp_header: Header | None = Field(
        None, description="Its `Timestamp Header`. With one, old requests cannot be sent again."
    )
    tolerance: Duration = lasting("5m", "How far the signed time may be from now.")

    def build(self) -> Scheme:
        """Make what checks it."""
        rule = HmacRule(
            header=self.header,
            signed="{timestamp}:{body}" if self.timestamp_header else "{body}",
            timestamp_header=self.timestamp_header or "",
            tolerance=self.tolerance,
        )
        return HmacSignature(rule, plain(self.secret), "grafana")


def _checked_secret(secret: SecretStr) -> SecretStr:
    read_secret(secret.get_secret_value())
    return secret


SymmetricSecret = Annotated[SecretStr, AfterValidator(_checked_secret)]
PublicKey = Annotated[str, Field(pattern=rf"^({PUBLIC_PREFIX})?[A-Za-z0-9+/]{{43}}=?$")]


class StandardWebhooksConfig(_Part):
    """Signatures as the Standard Webhooks specification says."""

    secret: SymmetricSecret | Annotated[list[SymmetricSecret], Field(min_length=1)] | None = Field(
        None, description=f"Secret for `v1`, `{SECRET_PREFIX}...`, or a list of secrets."
    )
    public_key: PublicKey | Annotated[list[PublicKey], Field(min_length=1)] | None = Field(
        None, description=f"Public key for `v1a` (Ed25519), `{PUBLIC_PREFIX}...`, or a list of keys."
    )
    tolerance: Duration = lasting("5m", "How far the signed time may be from now.")

    @model_validator(mode="after")
    def _has_a_key(self) -> StandardWebhooksConfig:
        if self.secret is None and self.public_key is None:
            raise ValueError("give secret (for v1), public_key (for v1a) or both")
        return self

    def build(self) -> Scheme:
        """Make what checks it."""
        secrets = [read_secret(secret) for secret in plain(self.secret)]
        return StandardWebhooks(secrets, self._public_keys(), self.tolerance)

    def _public_keys(self) -> list[Any]:
        if self.public_key is None:
            return []
        from ingest.auth.ed25519 import Ed25519Key  # noqa: PLC0415 - cryptography costs 0.1 s to import

        return [Ed25519Key(text) for text in listed(self.public_key)]


class SnsConfig(_Part):
    """Messages of AWS SNS, signed with its certificate (signature versions 1 and 2)."""

    topics: Annotated[list[TopicPattern], Field(min_length=1)] = Field(
        description="ARNs of the topics that may post; `*` may stand in the region and in the name."
    )
    confirm: bool = Field(
        default=True,
        description="Whether subscriptions to these topics are confirmed, by fetching their URL.",
    )
    tolerance: Duration = lasting(
        "75m", "How far a message's time may be from now. SNS goes on trying for up to an hour."
    )

    def build(self, fetch: Fetch) -> Scheme:
        """Make what checks it."""
        from ingest.auth.sns import Sns, Topics  # noqa: PLC0415 - cryptography costs 0.1 s to import

        return Sns(Topics(self.topics), fetch, tolerance=self.tolerance, confirm=self.confirm)


class EntraConfig(_Part):
    """Tokens that Entra ID makes, as Azure Monitor sends them with a secure webhook."""

    tenant: TenantId = Field(description="Id of the directory (tenant).")
    audience: str | Annotated[list[str], Field(min_length=1)] = Field(
        description="For whom the tokens are: the application's id, or its ID URI like `api://...`; or a list."
    )
    callers: list[str] = Field(
        [ACTION_GROUPS],
        description="Ids of the applications that may call: by default that of action groups, [] for any.",
    )
    roles: list[str] = Field(
        [], description="Roles one of which the token must hold; any will do when left out."
    )
    leeway: Duration = lasting("1m", "How far clocks may differ.")
    cloud: Cloud = Field("public", description="Which of Microsoft's clouds the tenant is in.")

    def build(self, fetch: Fetch) -> Scheme:
        """Make what checks it."""
        from ingest.auth.entra import Entra, EntraRule  # noqa: PLC0415 - joserfc costs 0.2 s to import

        rule = EntraRule(
            tenant=self.tenant,
            audiences=listed(self.audience),
            callers=[caller.lower() for caller in self.callers],
            roles=self.roles,
            leeway=self.leeway,
            cloud=self.cloud,
        )
        return Entra(rule, fetch)


Proxies = Annotated[list[Network], Field(min_length=1)]


class ClientCertificateConfig(_Part):
    """Who a client is, as a proxy that ends mutual TLS says."""

    names: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)] = Field(
        description="Subjects or alternative names that may post, exact or with `*` for part of a value."
    )
    trusted_proxies: Proxies = Field(
        description="Addresses the header is believed from; `unix` for a Unix socket."
    )
    header: Header = Field(
        "X-SSL-Client-S-DN",
        description="Header with the subject or one alternative name. `X-Forwarded-Client-Cert` is read as Envoy's.",
    )
    verified_header: Header | None = Field(
        None, description="Header that tells that the certificate was checked, like `X-SSL-Client-Verify`."
    )
    verified_value: str = Field("SUCCESS", description="What verified_header must hold.")

    def build(self) -> Scheme:
        """Make what checks it."""
        rule = CertificateRule(
            header=self.header,
            names=self.names,
            verified_header=self.verified_header or "",
            verified_value=self.verified_value,
        )
        return ClientCertificate(rule, _networks(self.trusted_proxies))


class AddressesConfig(_Part):
    """Where requests may come from."""

    allow: Annotated[list[Network], Field(min_length=1)] = Field(
        description="Addresses and networks, like `10.0.0.0/8` or `2001:db8::/32`; `unix` for a Unix socket."
    )
    trusted_proxies: list[Network] = Field(
        [], description="Proxies whose `X-Forwarded-For` is believed. None when left out."
    )

    def build(self, schemes: list[Scheme]) -> AllowedAddresses:
        """Make what checks it, with *schemes* that have to be passed too."""
        return AllowedAddresses(_networks(self.allow), _networks(self.trusted_proxies), schemes)


def _networks(written: list[str]) -> Networks:
    return Networks(read_network(text) for text in written)
