"""JSON over HTTP for every ticketing tool: whatever happens becomes one of the domain's errors, once.

``Http`` holds the one session; each destination asks it for a ``Client``, which knows the address, the
headers that let us in and how long to wait. It never retries, logs or follows a redirect.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import TypeVar

import aiohttp
import msgspec
from yarl import URL

from domain.errors import DeliveryError, PermanentError, Reason, TemporaryError

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 30.0
MAX_ANSWER = 4 * 1024 * 1024
EXCERPT = 200
MAX_TOLD = 8 * 1024
"""Bytes of a request that its error tells."""
SECRET_LENGTH = 4

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Failure:
    """What an exception of aiohttp means to us."""

    reason: Reason
    sent: bool = True
    """Whether the tool may have got the request."""
    temporary: bool = True


# The first that fits counts, so the special ones come first. A test proves that none is missing.
FAILURES: Mapping[type[Exception], Failure] = {
    aiohttp.InvalidURL: Failure(Reason.REJECTED, sent=False, temporary=False),
    aiohttp.NonHttpUrlClientError: Failure(Reason.REJECTED, sent=False, temporary=False),
    aiohttp.RedirectClientError: Failure(Reason.REJECTED, temporary=False),
    aiohttp.ConnectionTimeoutError: Failure(Reason.TIMEOUT, sent=False),
    aiohttp.ClientConnectorError: Failure(Reason.UNREACHABLE, sent=False),  # DNS, refused, TLS, proxy
    aiohttp.ClientHttpProxyError: Failure(Reason.UNREACHABLE, sent=False),
    aiohttp.ServerFingerprintMismatch: Failure(Reason.UNREACHABLE, sent=False),
    aiohttp.ServerTimeoutError: Failure(Reason.TIMEOUT),
    aiohttp.ClientConnectionError: Failure(Reason.UNREACHABLE),  # reset, disconnected
    aiohttp.ClientPayloadError: Failure(Reason.UNREACHABLE),
    aiohttp.UploadAbortedError: Failure(Reason.UNREACHABLE),
    aiohttp.ClientResponseError: Failure(Reason.BAD_ANSWER),  # not HTTP
    TimeoutError: Failure(Reason.TIMEOUT),
    OSError: Failure(Reason.UNREACHABLE),
}

_PERMANENT = {
    401: Reason.AUTHENTICATION,
    403: Reason.AUTHENTICATION,
    404: Reason.NOT_FOUND,
    407: Reason.AUTHENTICATION,
    410: Reason.NOT_FOUND,
}
_TEMPORARY = {
    408: Reason.TIMEOUT,
    409: Reason.CONFLICT,
    412: Reason.CONFLICT,
    425: Reason.SERVER_ERROR,
}
_RESET_HEADERS = ("ratelimit-reset", "x-ratelimit-reset")
_UNIX_SECONDS_FROM = 1e9
_UNIX_MILLIS_FROM = 1e12


class Http:
    """The session shared by all destinations. Made outside of a loop, opened by the first request."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        proxy: str | None = None,
        max_answer: int = MAX_ANSWER,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._tls = tls
        self.proxy = proxy
        self._session: aiohttp.ClientSession | None = None
        self.max_answer = max_answer
        self.clock = clock

    @property
    def tls(self) -> ssl.SSLContext | None:
        """Whom we trust, for those that speak TLS without HTTP; None is what the system trusts."""
        return self._tls

    def client(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
        timeout: float = TOTAL_SECONDS,
    ) -> Client:
        """Return what talks to one tool. *secrets* are kept out of messages; *timeout* is in seconds."""
        return Client(self, url, dict(headers or {}), tuple(filter(None, secrets)), timeout)

    def session(self) -> aiohttp.ClientSession:
        """Return the open session."""
        if self._session is None:
            # No limit: how many calls a destination may have open is its own setting.
            connector = aiohttp.TCPConnector(limit=0, ssl=self._tls or True)
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept": "application/json", "User-Agent": "Tocsin"},
            )
        return self._session

    async def close(self) -> None:
        """Close all connections; safe to call twice."""
        if self._session is not None:
            await self._session.close()
            self._session = None


class Client:
    """One tool's end of ``Http``."""

    def __init__(
        self, http: Http, url: str, headers: Mapping[str, str], secrets: tuple[str, ...], timeout: float
    ) -> None:
        self._http = http
        self._url = url
        self._headers = headers
        self._secrets = secrets
        self._timeout = aiohttp.ClientTimeout(total=timeout, connect=min(CONNECT_SECONDS, timeout))

    async def send(
        self,
        method: str,
        path: str = "",
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send *body*, which is JSON, and return the answer if it is a 2xx.

        *path* is added to the tool's address as it is, *params* to the query that is there.

        Raises:
            DeliveryError: ``unknown`` if it is a write that may have been done all the same.
        """
        url = URL(self._url + path)
        url = url.update_query(params) if params else url
        call = _Call(method, f"{method} {url.origin()}{url.path}", self._secrets + _query_secrets(self._url))
        try:
            status, fields, answer = await self._exchange(
                method, url, body, {**self._headers, **(headers or {})}
            )
        except (aiohttp.ClientError, OSError) as error:
            raise call.told(call.broken(error, url), body) from error
        try:
            return call.answered(status, fields, answer, self._http.clock())
        except DeliveryError as error:
            raise call.told(error, body) from None

    async def _exchange(
        self, method: str, url: URL, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, Mapping[str, str], bytes | None]:
        kind = {"Content-Type": "application/json"} if body is not None else {}
        async with self._http.session().request(
            method,
            url,
            data=body,
            headers={**kind, **headers},
            timeout=self._timeout,
            allow_redirects=False,
            proxy=self._http.proxy,
        ) as response:
            answer = await _read(response.content, self._http.max_answer)
            return response.status, response.headers, answer


@dataclass(frozen=True, slots=True)
class Reply:
    """The body of a 2xx answer, not yet believed."""

    call: _Call
    body: bytes
    status: int = 200

    def read(self, shape: type[T]) -> T:
        """Decode the body.

        Raises:
            TemporaryError: it is not JSON, as from a proxy or a maintenance page in front of the tool.
            PermanentError: it is JSON, or nothing, but not what the tool is known to answer.
        """
        if not self.body.strip():
            raise self.call.bad_answer(PermanentError, "nothing", self.body)
        try:
            msgspec.json.decode(self.body, type=msgspec.Raw)  # so that one cut short is no wrong shape
            return msgspec.json.decode(self.body, type=shape)
        except msgspec.ValidationError as error:
            raise self.call.bad_answer(PermanentError, f"an unexpected shape ({error})", self.body) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self.call.bad_answer(TemporaryError, "something that is not JSON", self.body) from error


@dataclass(frozen=True, slots=True)
class _Call:
    """One request, as its errors tell of it."""

    method: str
    what: str
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def writes(self) -> bool:
        return self.method not in {"GET", "HEAD"}

    def told(self, error: DeliveryError, body: bytes | None) -> DeliveryError:
        """Let the error tell the request as it was sent, secrets masked."""
        sent = (body or b"")[:MAX_TOLD].decode(errors="replace")
        error.request = masked(f"{self.what}\n\n{sent}".rstrip(), self.secrets)
        return error

    def broken(self, error: Exception, url: URL) -> DeliveryError:
        """Say what an exception on the way means."""
        failure = next(
            (found for kind, found in FAILURES.items() if isinstance(error, kind)),
            Failure(Reason.UNREACHABLE),
        )
        detail = excerpt(str(error).replace(str(url), "").encode(), self.secrets) or "no answer in time"
        kind = TemporaryError if failure.temporary else PermanentError
        return kind(
            f"{self.what}: {type(error).__name__}: {detail}",
            failure.reason,
            unknown=self.writes and failure.sent,
        )

    def answered(self, status: int, fields: Mapping[str, str], answer: bytes | None, now: float) -> Reply:
        """Return the reply if *status* is a 2xx, and raise what it means if not."""
        if not 200 <= status < 300:  # noqa: PLR2004 - the range is its own name
            raise self._refused(status, fields, answer or b"", now)
        if answer is None:
            raise self.bad_answer(PermanentError, "more than we read", b"")
        return Reply(self, answer, status)

    def bad_answer(
        self, kind: type[TemporaryError | PermanentError], got: str, body: bytes
    ) -> TemporaryError | PermanentError:
        """Make the error of a 2xx that cannot be used."""
        message = f"{self.what} succeeded but answered {got}: {excerpt(body, self.secrets)}"
        return kind(message.removesuffix(": "), Reason.BAD_ANSWER, unknown=self.writes)

    def _refused(self, status: int, fields: Mapping[str, str], body: bytes, now: float) -> DeliveryError:
        message = f"{self.what} answered {status}: {_told(status, fields, body, self.secrets)}".removesuffix(
            ": "
        )
        if is_rate_limited(status, fields):
            wait = retry_after(fields, now)
            return TemporaryError(message, Reason.RATE_LIMITED, retry_after=wait)
        if status >= 500:  # noqa: PLR2004
            wait = parse_retry_after(fields.get("Retry-After", ""), now)
            return TemporaryError(message, Reason.SERVER_ERROR, unknown=self.writes, retry_after=wait)
        if status in _TEMPORARY:
            wait = parse_retry_after(fields.get("Retry-After", ""), now)
            return TemporaryError(message, _TEMPORARY[status], retry_after=wait)
        return PermanentError(message, _PERMANENT.get(status, Reason.REJECTED))


def is_rate_limited(status: int, fields: Mapping[str, str]) -> bool:
    """Tell whether the answer asks for fewer requests.

    GitHub says so with 403 as well as 429 (GitHub Docs, "Rate limits for the REST API").

    >>> is_rate_limited(403, {"X-RateLimit-Remaining": "0"}), is_rate_limited(403, {})
    (True, False)
    """
    low = {name.lower(): value for name, value in fields.items()}
    told = "retry-after" in low or low.get("x-ratelimit-remaining") == "0"
    return status == 429 or (status == 403 and told)  # noqa: PLR2004


def retry_after(fields: Mapping[str, str], now: float) -> float | None:
    """Read from a rate-limited answer how many seconds to wait; None where it does not say.

    ``Retry-After`` counts first; else when the limit is said to reset: in seconds (PagerDuty), at a Unix time
    (GitHub, ServiceNow) or at an ISO date (Jira).

    >>> retry_after({"X-RateLimit-Reset": "1704067230"}, now=1704067200.0)
    30.0
    """
    low = {name.lower(): value for name, value in fields.items()}
    waits = [parse_retry_after(low.get("retry-after", ""), now)]
    waits += [parse_reset(low.get(name, ""), now) for name in _RESET_HEADERS]
    return next((wait for wait in waits if wait is not None), None)


def parse_retry_after(text: str, now: float) -> float | None:
    """Read ``Retry-After``: seconds or an HTTP date (RFC 9110, 10.2.3), in seconds from *now*.

    >>> parse_retry_after("120", 0.0), parse_retry_after("Mon, 01 Jan 2024 00:00:10 GMT", 1704067200.0)
    (120.0, 10.0)
    """
    seconds = _number(text)
    if seconds is not None:
        return max(0.0, seconds)
    try:
        return _until(parsedate_to_datetime(text), now)
    except (ValueError, IndexError, OverflowError):
        return None


def parse_reset(text: str, now: float) -> float | None:
    """Read when a rate limit resets: seconds, a Unix time in seconds or milliseconds, or an ISO date.

    >>> parse_reset("45", 0.0), parse_reset("2024-01-01T00:00:45Z", 1704067200.0)
    (45.0, 45.0)
    """
    number = _number(text)
    if number is None:
        try:
            return _until(datetime.fromisoformat(text.strip()), now)
        except (ValueError, OverflowError):
            return None
    if number >= _UNIX_MILLIS_FROM:
        number /= 1000
    return max(0.0, number - now if number >= _UNIX_SECONDS_FROM else number)


def excerpt(body: bytes, secrets: Sequence[str]) -> str:
    """Take what a person needs from an answer: short, on one line, without markup and without *secrets*.

    >>> excerpt(b"<h1>Sorry</h1>  token abc is bad", ["abc"])
    'Sorry token *** is bad'
    """
    text = masked(body.decode(errors="replace"), secrets)
    text = re.sub(r"<[^<>]*>", " ", text[: 20 * EXCERPT])
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= EXCERPT else line[: EXCERPT - 1] + "…"


def masked(text: str, secrets: Sequence[str]) -> str:
    """Blot *secrets* out, the longest first: one may be part of another."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _told(status: int, fields: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> str:
    """What the tool said, and for a redirect where it wants us to go."""
    if 300 <= status < 400 and "Location" in fields:  # noqa: PLR2004
        target = fields["Location"].partition("?")[0]
        return f"redirects are not followed; set the address to {excerpt(target.encode(), secrets)}"
    return excerpt(body, secrets)


def _query_secrets(url: str) -> tuple[str, ...]:
    """The values in an address' own query: some tools take their token there. Short ones are just words."""
    return tuple(value for value in URL(url).query.values() if len(value) >= SECRET_LENGTH)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None


def _until(moment: datetime, now: float) -> float:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, aware.timestamp() - now)


async def _read(content: aiohttp.StreamReader, limit: int) -> bytes | None:
    """Read a body; None if it is longer than *limit*."""
    whole = bytearray()
    async for chunk in content.iter_any():
        whole += chunk
        if len(whole) > limit:
            return None
    return bytes(whole)
