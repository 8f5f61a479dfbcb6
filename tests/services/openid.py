"""A real OpenID provider, from its package: discovery, keys, the code flow, signed tokens."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPErrorProcessor, Request, build_opener

from tests.services.server import HOST, Server

if TYPE_CHECKING:
    import socket
    from http.client import HTTPResponse

CLIENT = "tocsin"
BACK = "http://127.0.0.1:1/back"


class _Stay(HTTPErrorProcessor):
    """Follows nowhere: where it leads is what is wanted."""

    def http_response(self, request: Request, response: HTTPResponse) -> HTTPResponse:
        return response


class OpenIdProvider(Server):
    """An own provider, with one person in each of *groups*, who is called as the group."""

    scheme: ClassVar = "http"

    def __init__(self, folder: Path, groups: list[str]) -> None:
        people = [{"sub": group, "email": f"{group}@example.com", "groups": [group]} for group in groups]
        claims = [part for person in people for part in ("--user-claims", json.dumps(person))]
        super().__init__([sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", *claims], folder)
        self.command_parts = [*self.command_parts, "--host", HOST, "--port", str(self.port)]

    @property
    def issuer(self) -> str:
        """What its tokens name as their issuer."""
        return f"http://{HOST}:{self.port}"

    def answers(self, connection: socket.socket) -> bool:
        """Look whether it has its discovery document."""
        connection.sendall(b"GET /.well-known/openid-configuration HTTP/1.0\r\nHost: x\r\n\r\n")
        return b" 200 " in connection.recv(64)

    def token(self, person: str) -> str:
        """Log a person in, as a browser and an application would, and return the ID token."""
        asked = {
            "client_id": CLIENT,
            "redirect_uri": BACK,
            "response_type": "code",
            "scope": "openid email groups",
        }
        address = f"{self.issuer}/oauth2/authorize?{urlencode(asked)}"
        sent_back = _post(address, {"sub": person}).headers["Location"]
        (code,) = parse_qs(urlsplit(sent_back).query)["code"]
        grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "client_id": CLIENT}
        answer = _post(f"{self.issuer}/oauth2/token", {**grant, "client_secret": "any"})
        return str(json.loads(answer.read())["id_token"])


def _post(url: str, form: dict[str, str]) -> HTTPResponse:
    request = Request(url, urlencode(form).encode())
    try:
        answer: HTTPResponse = build_opener(_Stay).open(request, timeout=10)
    except HTTPError as error:
        raise AssertionError(error.read()) from error
    return answer
