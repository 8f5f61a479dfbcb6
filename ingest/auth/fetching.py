"""Fetching keys over HTTPS: without following anywhere, within bounds; what a request names, from pinned addresses."""

from __future__ import annotations

import aiohttp

from domain.errors import Unavailable
from ingest.auth.pins import is_pinned

SECONDS = 5.0
MOST_BYTES = 256 * 1024


async def fetch(url: str) -> bytes:
    """Get what is at *url*, an address that Tocsin was built to know.

    Raises:
        Unavailable: if it cannot be had, is too large, or may not be fetched at all.
    """
    if not is_pinned(url):
        raise Unavailable("that address is not one that may be fetched")
    return await get(url)


async def get(url: str) -> bytes:
    """Get what is at *url*, an address that stands in the configuration. It is rare, so each time has its own session.

    Raises:
        Unavailable: if it cannot be had, or is too large.
    """
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            return await _read(answer)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Unavailable(f"the keys could not be fetched: {type(error).__name__}") from error


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    if answer.status != 200:  # noqa: PLR2004 - OK
        raise Unavailable(f"the keys could not be fetched: the answer was {answer.status}")
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > MOST_BYTES:
            raise Unavailable(f"the keys could not be fetched: more than {MOST_BYTES} bytes")
    return bytes(body)
