"""Taking a request's body in, with bounds on its size, its unpacked size and its time."""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import dataclass
from http import HTTPStatus
from typing import NamedTuple

from aiohttp import ClientPayloadError, StreamReader, web
from aiohttp.http_exceptions import HttpProcessingError

from ingest.admission import SMALL, Budget
from ingest.heads import Whole
from ingest.problems import Refusal
from ingest.sources import Tool

MIB = 1 << 20

_PACKED = ("gzip", "x-gzip", "deflate")
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_ZLIB_HEADER = 8


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most that one request may take: bytes as sent, bytes unpacked, seconds until the body is there."""

    max_body: int = 5 * MIB
    max_unpacked: int = 20 * MIB
    patience: float = 30.0
    max_depth: int = 64
    """Levels of nesting."""


class Body(NamedTuple):
    """A body that has arrived."""

    unpacked: bytes
    sent: bytes | None = None
    """As it was sent, where it was packed."""


async def read_body(request: web.Request, bounds: Bounds, tool: Tool, budget: Budget) -> Body:
    """Read the body of *request*, unpacked.

    Raises:
        Refusal: 415 if it claims to be what the tool does not send, 413 if it is too large, 408 if it is
            too slow, 503 if there is no memory for it, 400 if it breaks off.
    """
    headers = request.headers
    _check_type(request, tool)
    encoding = _encoding(headers.get("Content-Encoding"))
    body = await read_plain(request, bounds, budget)
    return Body(unpack(body, encoding, bounds.max_unpacked), body) if encoding else Body(body)


def body_of(request: Whole, bounds: Bounds, tool: Tool) -> Body:
    """Give the body of a *request* that has arrived whole.

    Raises:
        Refusal: 415 if it claims to be what the tool does not send, 413 if it is too large.
    """
    _check_type(request, tool)
    if len(request.body) > bounds.max_body:
        raise _too_large(bounds.max_body, "")
    return Body(request.body)


async def read_plain(request: web.Request, bounds: Bounds, budget: Budget) -> bytes:
    """Read the body of *request* as it is sent.

    Raises:
        Refusal: 413 if it is too large, 408 if it is too slow, 503 if there is no memory for it, 400 if it
            breaks off.
    """
    if (request.content_length or 0) > bounds.max_body:
        raise _too_large(bounds.max_body, "")
    return await _read(request.content, bounds, budget)


def _check_type(request: web.Request | Whole, tool: Tool) -> None:
    header = request.headers.get("Content-Type")
    if header is None or header == "application/json" or tool.accepts(header) or not request.body_exists:
        return
    kind = header.partition(";")[0].strip().lower()
    wanted = " or ".join(sorted(tool.kinds))
    detail = f"the body must be {wanted}, not {kind or 'nothing'}"
    raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail)


def _encoding(header: str | None) -> str:
    encoding = (header or "").strip().lower()
    if encoding in ("", "identity"):
        return ""
    if encoding not in _PACKED:
        detail = f"the body may be packed with gzip or deflate, not {encoding}"
        known = {"Accept-Encoding": "gzip, deflate"}
        raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-encoding", detail, headers=known)
    return encoding


async def _read(stream: StreamReader, bounds: Bounds, budget: Budget) -> bytes:
    if stream.is_eof():  # it came with the head, as small ones do; spare them the timer
        return await _collect(stream, bounds.max_body, budget)
    try:
        async with asyncio.timeout(bounds.patience):
            return await _collect(stream, bounds.max_body, budget)
    except TimeoutError:
        detail = f"the body did not arrive within {bounds.patience:g} s"
        raise Refusal(HTTPStatus.REQUEST_TIMEOUT, "too-slow", detail) from None


async def _collect(stream: StreamReader, limit: int, budget: Budget) -> bytes:
    chunks, size, taken = [], 0, 0
    try:
        while not stream.at_eof():
            chunk = await stream.readany()
            size += len(chunk)
            if size > limit:
                raise _too_large(limit, "")
            if size > SMALL + taken:
                budget.take(size - SMALL - taken)
                taken = size - SMALL
            chunks.append(chunk)
    except (HttpProcessingError, ClientPayloadError, web.RequestPayloadError, ConnectionError) as error:
        detail = f"the body broke off: {error}"
        raise Refusal(HTTPStatus.BAD_REQUEST, "broken-body", detail) from error
    finally:
        budget.give_back(taken)
    return b"".join(chunks)


def unpack(body: bytes, encoding: str, limit: int) -> bytes:
    """Unpack gzip or deflate, the latter with or without its zlib header; stop as soon as it passes *limit*.

    Raises:
        Refusal: if it is too large, cut off, or not packed so.
    """
    raw = encoding == "deflate" and not _has_zlib_header(body)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS if raw else _GZIP_OR_ZLIB)
    try:
        unpacked = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        raise _not_packed(encoding, str(error)) from None
    if len(unpacked) > limit:
        raise _too_large(limit, " unpacked")
    if not inflater.eof or inflater.unused_data:
        raise _not_packed(encoding, "something follows its end" if inflater.eof else "it is cut off")
    return unpacked


def _has_zlib_header(body: bytes) -> bool:
    return len(body) > 1 and body[0] & 0xF == _ZLIB_HEADER and int.from_bytes(body[:2], "big") % 31 == 0


def _not_packed(encoding: str, why: str) -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, "broken-encoding", f"the body is not {encoding}: {why}")


def _too_large(limit: int, how: str) -> Refusal:
    detail = f"the body is larger than {limit} bytes{how}"
    return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", detail, members={"limit": limit})
