"""The way to an instance of ServiceNow: address and login."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

import aiohttp
import msgspec
from pydantic import Field, SecretStr, model_validator

from adapters.http import Client, Http, Reply
from adapters.tickets.base import Basic, Settings
from adapters.tickets.session import Session

if TYPE_CHECKING:
    from adapters.tickets.servicenow import ServiceNowConfig


class OAuthClient(Settings):
    """An OAuth application that logs in as itself (client credentials)."""

    client_id: str
    client_secret: SecretStr


class ServiceNowAuth(Settings):
    """How an instance knows us: one of these."""

    basic: Basic | None = None
    bearer: SecretStr | None = None
    api_key: SecretStr | None = Field(default=None, description="Sent as x-sn-apikey.")
    oauth: OAuthClient | None = Field(
        default=None, description="Token from /oauth_token.do, renewed as needed."
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> ServiceNowAuth:
        if sum(one is not None for one in (self.basic, self.bearer, self.api_key, self.oauth)) != 1:
            raise ValueError("needs one of basic, bearer, api_key and oauth")
        return self

    def secrets(self) -> list[str]:
        """List what must not be shown."""
        given = [self.bearer, self.api_key]
        given += [self.basic.password] if self.basic is not None else []
        given += [self.oauth.client_secret] if self.oauth is not None else []
        texts = [one.get_secret_value() for one in given if one is not None]
        return [*texts, *(urlencode({"": text})[1:] for text in texts), *self.headers().values()]

    def headers(self) -> dict[str, str]:
        """Return what lets us in, where no login is needed."""
        if self.basic is not None:
            password = self.basic.password.get_secret_value()
            return {"Authorization": aiohttp.encode_basic_auth(self.basic.username, password)}
        if self.bearer is not None:
            return {"Authorization": f"Bearer {self.bearer.get_secret_value()}"}
        return {"x-sn-apikey": self.api_key.get_secret_value()} if self.api_key is not None else {}


class Token(msgspec.Struct):
    """An OAuth token."""

    access_token: Annotated[str, msgspec.Meta(min_length=1)]


class Instance:
    """The way to an instance, logged in as the settings say."""

    def __init__(self, config: ServiceNowConfig, http: Http) -> None:
        self._oauth = config.auth.oauth
        self.pages = str(config.url).rstrip("/")
        self._client: Client = http.client(
            self.pages,
            headers=config.auth.headers(),
            secrets=config.auth.secrets(),
            timeout=config.timeout_seconds,
        )
        self._session = Session(self._login)

    async def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request, with a token where one is needed."""
        raw = body if isinstance(body, bytes) or body is None else msgspec.json.encode(body)

        async def call(token: str) -> Reply:
            """Send it with this token."""
            login = {"Authorization": f"Bearer {token}"} if token else {}
            return await self._client.send(
                method, path, params=params, body=raw, headers={**(headers or {}), **login}
            )

        return await (call("") if self._oauth is None else self._session.call(call))

    async def _login(self) -> str:
        assert self._oauth is not None
        form = {
            "grant_type": "client_credentials",
            "client_id": self._oauth.client_id,
            "client_secret": self._oauth.client_secret.get_secret_value(),
        }
        reply = await self._client.send(
            "POST",
            "/oauth_token.do",
            body=urlencode(form).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        return reply.read(Token).access_token
