"""``/healthz``: this process is alive. ``/readyz``: it has what it needs to do its work."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from aiohttp import web

from app.api.answers import json
from domain.errors import StorageFull, TocsinError

PATIENCE = 2.0
"""Seconds a dependency gets to answer."""

Check = Callable[[], Awaitable[None]]
"""Raises a TocsinError that says what is wrong."""

_LOGIN = re.compile(r"(?<=://)\S*@")


class Health:
    """Answers those who start, stop and balance processes.

    The checks are of what this process needs to accept and decide. The ticketing tools are not among them:
    one that is away is waited for, nothing is lost meanwhile and no other process would reach it, so it would
    be wrong to take traffic away from this one. How they stand is in the stats.
    """

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks

    async def live(self, request: web.Request) -> web.Response:  # noqa: ARG002 - a handler's signature
        """Say that the process answers. A dependency that is away is no reason to kill it."""
        return json({"status": "ok"})

    async def ready(self, request: web.Request) -> web.Response:  # noqa: ARG002 - a handler's signature
        """Say of each dependency whether it is there."""
        faults = await asyncio.gather(*map(_fault, self._checks.values()))
        states = {
            name: {"status": "down", "error": fault} if fault else {"status": "ok"}
            for name, fault in zip(self._checks, faults, strict=True)
        }
        if any(faults):
            return json({"status": "down", "dependencies": states}, HTTPStatus.SERVICE_UNAVAILABLE)
        return json({"status": "ok", "dependencies": states})


def has_room(size: Callable[[], int], most: int) -> Check:
    """Check that what holds *size* bytes now, and *most* at the most, is not full."""

    async def check() -> None:
        """Raise if it is full."""
        if size() >= most:
            raise StorageFull(f"full: {size()} of {most} bytes are taken")

    return check


async def _fault(check: Check) -> str:
    """Say what is wrong, in words that were written to be read; others' errors could tell anything."""
    try:
        async with asyncio.timeout(PATIENCE):
            await check()
    except TimeoutError:
        return f"no answer within {PATIENCE:g} s"
    except TocsinError as error:
        return without_logins(str(error)) or type(error).__name__
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one, the others are told of too
        return type(error).__name__
    return ""


def without_logins(text: str) -> str:
    """Take users and passwords out of addresses.

    >>> without_logins("amqp://guest:p/w@host:5672/: connection refused")
    'amqp://***@host:5672/: connection refused'
    """
    return _LOGIN.sub("***@", text)
