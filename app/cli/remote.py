"""The API of a running Tocsin, for the commands that ask it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Never
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

import typer

PATIENCE = 30.0
LETS_IN = "TOCSIN_TOKEN"
"""Environment variable with what lets in, where the API asks for it."""
AT_ONCE = 100


class Refused(Exception):
    """What Tocsin answered, in words."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class RemoteApi:
    """One address of the API, and what is below it."""

    def __init__(self, url: str, path: str) -> None:
        if urlsplit(url).scheme not in {"http", "https"}:
            raise typer.BadParameter(
                f"{url!r} is not an address like http://127.0.0.1:8080", param_hint="--url"
            )
        self._url = f"{url.rstrip('/')}{path}"

    def all(self, filters: Mapping[str, str | None], limit: int | None = None) -> Iterator[dict[str, Any]]:
        """Go through a list, page by page."""
        cursor, left = "", limit
        while left is None or left > 0:
            asked = {**filters, "cursor": cursor, "limit": min(left or AT_ONCE, AT_ONCE)}
            page = self.json("GET", "?" + urlencode({key: value for key, value in asked.items() if value}))
            yield from page["items"]
            left = None if left is None else left - len(page["items"])
            cursor = page["next"]
            if not cursor:
                return

    def json(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        """Ask for an object.

        Raises:
            Refused: with what was answered.
        """
        answer: dict[str, Any] = json.loads(self.ask(method, path, body))
        return answer

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for something with a body; raises as ``json``."""
        return self.json("POST", path, json.dumps(body).encode())

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Ask for whatever comes; ends the command if nothing can be reached.

        Raises:
            Refused: with what was answered.
        """
        headers = _login() | ({"Content-Type": "application/octet-stream"} if body else {})
        request = Request(self._url + path, body, headers, method=method)  # noqa: S310 - looked at above
        try:
            with urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
                content: bytes = answer.read()
                return content
        except HTTPError as error:
            raise Refused(error.code, _detail(error)) from None
        except (URLError, OSError) as error:
            fail(f"{self._url} cannot be reached: {getattr(error, 'reason', error)}")


def _login() -> dict[str, str]:
    token = os.environ.get(LETS_IN)
    return {"Authorization": f"Bearer {token}"} if token else {}


def _detail(error: HTTPError) -> str:
    try:
        detail = str(json.loads(error.read())["detail"])
    except (ValueError, KeyError, TypeError):
        return f"the answer was {error.code}, and not from Tocsin's API"
    return f"{detail}; put one into {LETS_IN}" if error.code == HTTPStatus.UNAUTHORIZED else detail


def fail(message: str) -> Never:
    """End with what is wrong."""
    typer.echo(f"tocsin: {message}", err=True)
    raise typer.Exit(1)
