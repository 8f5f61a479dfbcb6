"""What a login gave, for tools that want one before all else: kept until the tool takes it no more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from adapters.http import masked
from domain.errors import DeliveryError, PermanentError, Reason

T = TypeVar("T")


class Session:
    """One login for all calls. *login* asks the tool for a token; calls that come meanwhile wait for the same one."""

    def __init__(self, login: Callable[[], Awaitable[str]]) -> None:
        self._login = login
        self._token = ""
        self._lock = asyncio.Lock()

    async def call(self, request: Callable[[str], Awaitable[T]]) -> T:
        """Make a request with the token. One that is refused as it has run out is made again with a new one.

        Raises:
            DeliveryError: what login or request raised. A login that fails tells that nothing was done.
        """
        token = await self._current()
        try:
            return await self._told(request, token)
        except PermanentError as error:
            if error.reason is not Reason.AUTHENTICATION:
                raise
        return await self._told(request, await self._current(instead_of=token))

    async def _current(self, instead_of: str = "") -> str:
        async with self._lock:
            if self._token in {"", instead_of}:
                self._token = ""
                self._token = await self._logged_in()
            return self._token

    async def _logged_in(self) -> str:
        try:
            return await self._login()
        except DeliveryError as error:
            error.unknown = False  # what the session was for has not been sent
            raise

    async def _told(self, request: Callable[[str], Awaitable[T]], token: str) -> T:
        try:
            return await request(token)
        except DeliveryError as error:
            error.request = masked(error.request, [token])
            error.args = (masked(str(error), [token]),)
            raise
