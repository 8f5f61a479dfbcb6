"""Whatever happens between us and a ticketing tool becomes one error of the domain."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import msgspec
import pytest
from aiohttp import client_exceptions, web
from hypothesis import given
from hypothesis import strategies as st

from adapters.http import (
    FAILURES,
    Client,
    Failure,
    Http,
    excerpt,
    parse_reset,
    parse_retry_after,
    retry_after,
)
from domain.errors import DeliveryError, PermanentError, Reason, TemporaryError
from tests.contracts.tickets import serving
from tests.fakes.broken import Trouble, broken_app

NEW_YEAR_2024 = 1_704_067_200.0


class Shape(msgspec.Struct):
    id: str


@asynccontextmanager
async def client_of(
    app: web.Application, *, secrets: tuple[str, ...] = (), query: str = "", max_answer: int = 10_000
) -> AsyncIterator[Client]:
    async with serving(app) as url:
        http = Http(max_answer=max_answer, clock=lambda: NEW_YEAR_2024)
        try:
            yield http.client(url + query, headers={"X-Login": "me"}, secrets=secrets, timeout=0.5)
        finally:
            await http.close()


async def refusal(trouble: Trouble, method: str = "POST", **settings: object) -> DeliveryError:
    async with client_of(broken_app(trouble), **settings) as client:  # type: ignore[arg-type]
        with pytest.raises(DeliveryError) as caught:
            (await client.send(method, "/path", body=b"{}")).read(Shape)
    return caught.value


# Exceptions


def client_errors() -> list[type[Exception]]:
    """All that aiohttp's client may raise, and that is not about WebSockets, which we do not use."""
    return [
        kind
        for name, kind in vars(client_exceptions).items()
        if isinstance(kind, type)
        and issubclass(kind, aiohttp.ClientError)
        and kind is not aiohttp.ClientError
        and not name.startswith("WS")
    ]


@pytest.mark.parametrize("kind", client_errors())
def test_every_exception_of_aiohttp_has_a_meaning(kind: type[Exception]) -> None:
    """A new one in a new version of aiohttp fails here until somebody says what it means."""
    assert any(issubclass(kind, known) for known in FAILURES)


@pytest.mark.parametrize("kind", client_errors())
def test_only_what_fails_before_the_request_leaves_was_surely_not_sent(kind: type[Exception]) -> None:
    before = (
        aiohttp.ClientConnectorError,
        aiohttp.ConnectionTimeoutError,
        aiohttp.ServerFingerprintMismatch,
        aiohttp.ClientHttpProxyError,
        aiohttp.InvalidURL,
        aiohttp.NonHttpUrlClientError,
    )
    meaning: Failure = next(found for known, found in FAILURES.items() if issubclass(kind, known))

    assert meaning.sent is not issubclass(kind, before)


# The way there and back


async def raw_server(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> tuple[asyncio.Server, str]:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    return server, f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_name_that_does_not_resolve_was_not_sent() -> None:
    http = Http()
    with pytest.raises(TemporaryError) as caught:
        await http.client("http://tool.invalid/", timeout=5).send("POST", body=b"{}")
    await http.close()

    assert (caught.value.reason, caught.value.unknown) == (Reason.UNREACHABLE, False)


async def test_a_certificate_that_nobody_signed_is_refused_before_anything_is_sent() -> None:
    """TLS is checked; the message says that this is the trouble."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"no TLS here")
        writer.close()

    server, address = await raw_server(answer)
    http = Http()
    with pytest.raises(TemporaryError, match="SSL") as caught:
        await http.client(f"https://{address}/", timeout=5).send("POST", body=b"{}")
    await http.close()
    server.close()

    assert (caught.value.reason, caught.value.unknown) == (Reason.UNREACHABLE, False)


async def test_certificates_are_checked_by_default() -> None:
    http = Http()
    connector = http.session().connector
    await http.close()

    assert isinstance(connector, aiohttp.TCPConnector)
    assert connector._ssl is True


async def test_an_own_certificate_authority_can_be_given() -> None:
    context = ssl.create_default_context()
    http = Http(tls=context)
    connector = http.session().connector
    await http.close()

    assert isinstance(connector, aiohttp.TCPConnector)
    assert connector._ssl is context


async def test_what_is_not_http_is_a_bad_answer() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.example ESMTP\r\n\r\n")
        writer.close()

    server, address = await raw_server(answer)
    http = Http()
    with pytest.raises(TemporaryError) as caught:
        await http.client(f"http://{address}/", timeout=5).send("POST", body=b"{}")
    await http.close()
    server.close()

    assert (caught.value.reason, caught.value.unknown) == (Reason.BAD_ANSWER, True)


async def test_a_body_that_ends_early_leaves_a_write_unknown() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{"id"')
        writer.close()

    server, address = await raw_server(answer)
    http = Http()
    with pytest.raises(TemporaryError) as caught:
        await http.client(f"http://{address}/", timeout=5).send("POST", body=b"{}")
    await http.close()
    server.close()

    assert (caught.value.reason, caught.value.unknown) == (Reason.UNREACHABLE, True)


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (Trouble(hang=True), Reason.TIMEOUT),
        (Trouble(drop=True), Reason.UNREACHABLE),
        (Trouble(500), Reason.SERVER_ERROR),
    ],
)
@pytest.mark.parametrize(
    ("method", "unknown"), [("POST", True), ("PUT", True), ("PATCH", True), ("GET", False)]
)
async def test_a_write_without_an_answer_may_be_done_and_a_read_does_nothing(
    trouble: Trouble, reason: Reason, method: str, unknown: bool
) -> None:
    error = await refusal(trouble, method)

    assert isinstance(error, TemporaryError)
    assert (error.reason, error.unknown) == (reason, unknown)


# Statuses


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (301, PermanentError, Reason.REJECTED),
        (400, PermanentError, Reason.REJECTED),
        (401, PermanentError, Reason.AUTHENTICATION),
        (403, PermanentError, Reason.AUTHENTICATION),
        (404, PermanentError, Reason.NOT_FOUND),
        (405, PermanentError, Reason.REJECTED),
        (408, TemporaryError, Reason.TIMEOUT),
        (409, TemporaryError, Reason.CONFLICT),
        (410, PermanentError, Reason.NOT_FOUND),
        (412, TemporaryError, Reason.CONFLICT),
        (422, PermanentError, Reason.REJECTED),
        (425, TemporaryError, Reason.SERVER_ERROR),
        (429, TemporaryError, Reason.RATE_LIMITED),
        (500, TemporaryError, Reason.SERVER_ERROR),
        (599, TemporaryError, Reason.SERVER_ERROR),
    ],
)
async def test_a_status_has_a_meaning(status: int, kind: type[DeliveryError], reason: Reason) -> None:
    error = await refusal(Trouble(status))

    assert type(error) is kind
    assert error.reason is reason
    assert error.unknown is (status >= 500)


@pytest.mark.parametrize(
    "told", [{"Retry-After": "9"}, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9"}]
)
async def test_a_403_that_speaks_of_a_limit_is_one(told: dict[str, str]) -> None:
    error = await refusal(Trouble(403, headers=told))

    assert isinstance(error, TemporaryError)
    assert (error.reason, error.retry_after) == (Reason.RATE_LIMITED, 9.0)


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (503, {"Retry-After": "Mon, 01 Jan 2024 00:01:00 GMT"}, 60.0),
        (503, {"X-RateLimit-Reset": "60"}, None),
        (429, {"RateLimit-Reset": "60"}, 60.0),
        (429, {}, None),
    ],
)
async def test_a_temporary_refusal_tells_how_long_to_wait(
    status: int, headers: dict[str, str], expected: float | None
) -> None:
    error = await refusal(Trouble(status, headers=headers))

    assert isinstance(error, TemporaryError)
    assert error.retry_after == expected


async def test_a_redirect_says_where_to_without_what_is_secret() -> None:
    error = await refusal(Trouble(302, headers={"Location": "https://new.example/api?token=hidden"}))

    assert "set the address to https://new.example/api" in str(error)
    assert "hidden" not in str(error)


# Bodies


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("", PermanentError),
        (" \n", PermanentError),
        ('{"id": 1}', PermanentError),
        ("null", PermanentError),
        ("[]", PermanentError),
        ('{"id": "1"', TemporaryError),
        ("<html>", TemporaryError),
        ('{"more": ' + "[" * 5000, TemporaryError),
    ],
)
async def test_a_success_that_cannot_be_used_is_a_bad_answer(body: str, kind: type[DeliveryError]) -> None:
    async with client_of(broken_app(Trouble(body=body))) as client:
        reply = await client.send("POST", body=b"{}")
        with pytest.raises(DeliveryError) as caught:
            reply.read(Shape)

    assert type(caught.value) is kind
    assert (caught.value.reason, caught.value.unknown) == (Reason.BAD_ANSWER, True)


async def test_more_than_we_read_is_a_bad_answer() -> None:
    error = await refusal(Trouble(body="x" * 10_001))

    assert isinstance(error, PermanentError)
    assert (error.reason, error.unknown) == (Reason.BAD_ANSWER, True)


async def test_a_good_answer_is_read() -> None:
    async with client_of(broken_app(Trouble(status=201, body='{"id": "7", "more": []}'))) as client:
        reply = await client.send("POST", body=b"{}")

    assert reply.read(Shape) == Shape("7")


async def test_what_is_sent_arrives() -> None:
    seen: list[tuple[str, str, str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(
            (
                str(request.rel_url),
                request.headers["X-Login"],
                request.headers["Content-Type"],
                await request.text(),
            )
        )
        return web.json_response({})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with client_of(app) as client:
        await client.send("PUT", "/queue/a%2Fb", params={"query": "x = 'y&z'"}, body=b'{"a": 1}')

    assert seen == [("/queue/a%2Fb?query=x+%3D+'y%26z'", "me", "application/json", '{"a": 1}')]


async def test_a_closed_session_opens_again_and_closes_twice() -> None:
    http = Http()
    async with serving(broken_app(Trouble())) as url:
        for _ in range(2):
            await http.client(url).send("GET")
            await http.close()
            await http.close()


# What a person reads


async def test_a_message_tells_what_was_tried_and_what_was_said() -> None:
    error = await refusal(Trouble(422, body="<h1>Bad</h1>\n<p>title is\tmissing</p>"))

    assert str(error).startswith("POST http://127.0.0.1:")
    assert str(error).endswith("/path answered 422: Bad title is missing")


@pytest.mark.parametrize("trouble", [Trouble(400, body="t0ken and qu3ry"), Trouble(body="t0ken qu3ry" * 100)])
async def test_a_message_holds_no_secret(trouble: Trouble) -> None:
    error = await refusal(trouble, secrets=("t0ken",), query="/?key=qu3ry")

    assert "t0ken" not in str(error)
    assert "qu3ry" not in str(error)


async def test_the_message_of_a_failed_connection_holds_no_secret(unused_tcp_port: int) -> None:
    http = Http()
    url = f"http://127.0.0.1:{unused_tcp_port}/?key=qu3ry"
    with pytest.raises(TemporaryError) as caught:
        await http.client(url).send("POST", body=b"{}")
    await http.close()

    assert "qu3ry" not in str(caught.value)
    assert "ClientConnectorError" in str(caught.value)


@given(st.binary(max_size=2000), st.text(min_size=4, max_size=20).filter(lambda text: text.strip("*…")))
def test_an_excerpt_is_one_short_printable_line_without_the_secret(noise: bytes, secret: str) -> None:
    text = excerpt(noise + secret.encode(errors="replace") + noise, [secret])

    assert len(text) <= 200
    assert text.isprintable()


# How long to wait


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("1.5", 1.5),
        ("-5", 0.0),
        ("Mon, 01 Jan 2024 00:00:30 GMT", 30.0),
        ("Monday, 01-Jan-24 00:00:30 GMT", 30.0),
        ("Sun, 31 Dec 2023 23:59:59 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("inf", None),
        ("nan", None),
        ("Mon, 99 Jan 2024 00:00:30 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, expected: float | None) -> None:
    assert parse_retry_after(text, NEW_YEAR_2024) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30", 30.0),
        ("1704067230", 30.0),
        ("1704067230000", 30.0),
        ("1704067100", 0.0),
        ("2024-01-01T00:00:30Z", 30.0),
        ("2024-01-01T00:01Z", 60.0),
        ("2024-01-01T01:00:30+01:00", 30.0),
        ("2024-01-01T00:00:30", 30.0),
        ("", None),
        ("later", None),
    ],
)
def test_a_reset_is_seconds_a_unix_time_or_a_date(text: str, expected: float | None) -> None:
    assert parse_reset(text, NEW_YEAR_2024) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"retry-after": "5", "X-RateLimit-Reset": "60"}, 5.0),
        ({"Retry-After": "soon", "ratelimit-reset": "60"}, 60.0),
        ({"RateLimit-Reset": "", "x-ratelimit-reset": "60"}, 60.0),
        ({"Date": "x"}, None),
    ],
)
def test_retry_after_counts_before_the_reset(fields: dict[str, str], expected: float | None) -> None:
    assert retry_after(fields, NEW_YEAR_2024) == expected


@given(st.text(), st.floats(min_value=0, max_value=4e9))
def test_no_header_breaks_the_parser(text: str, now: float) -> None:
    waits = (parse_retry_after(text, now), parse_reset(text, now))

    assert all(wait is None or wait >= 0 for wait in waits)
