"""Every answer that a sender can get, over real HTTP."""

import asyncio
import gzip
import json
import zlib
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from domain.events import AlertsReceived
from ingest import reading
from ingest.models import SourceConfig
from ingest.publisher import Publisher
from ingest.reading import Bounds
from ingest.server import SERVER_OPTIONS, Ingest
from ingest.source import Source
from ingest.sources import TOOLS
from tests.ingest.fakes import FakeBroker, until

NOW = 1773234000000
ALERT = {"status": "firing", "labels": {"alertname": "A", "service": "checkout"}, "annotations": {}}
BODY = json.dumps({"version": "4", "alerts": [ALERT]}).encode()
PUSH = json.dumps([{"labels": {"alertname": "P"}}]).encode()
BOUNDS = Bounds(max_body=20_000, max_unpacked=50_000, patience=1.0)
PROM = {"Authorization": "Bearer some-token"}
JSON = {"Content-Type": "application/json"}
SOURCES: dict[str, Any] = {
    "prom": {"type": "alertmanager", "auth": {"bearer": ["some-token", "old-token"]}},
    "team": {
        "type": "alertmanager",
        "auth": {"bearer": "t", "basic": {"username": "am", "password": "päss:word"}},
    },
    "anybody": {"type": "alertmanager"},
}


@pytest.fixture
async def broker():
    return FakeBroker()


def make_ingest(broker: FakeBroker, sources: dict[str, Any] = SOURCES) -> Ingest:
    built = {name: SourceConfig.model_validate(given).build(name) for name, given in sources.items()}
    return Ingest(built, Publisher(broker, "beef"), lambda: NOW, BOUNDS)


async def serve(ingest: Ingest) -> TestClient[web.Request, web.Application]:
    app = web.Application()
    app.add_routes(ingest.routes())
    server = TestServer(app)
    await server.start_server(**SERVER_OPTIONS)
    return TestClient(server)


@pytest.fixture
async def ingest(broker):
    return make_ingest(broker)


@pytest.fixture
async def client(ingest):
    client = await serve(ingest)
    yield client
    await client.close()


async def post(
    client: TestClient[web.Request, web.Application],
    body: Any = BODY,
    path: str = "/ingest/prom",
    headers: dict[str, str] | None = None,
) -> ClientResponse:
    return await client.post(path, data=body, headers=JSON | PROM | (headers or {}))


async def problem(response: ClientResponse, status: int, slug: str) -> dict[str, Any]:
    assert response.status == status, await response.text()
    assert response.content_type == "application/problem+json"
    told: dict[str, Any] = await response.json()
    assert told["type"] == f"urn:tocsin:problem:{slug}"
    assert told["status"] == status
    assert told["title"]
    assert told["detail"]
    return told


async def test_accepted_is_told_after_the_confirm(client, broker, ingest):
    broker.open.clear()
    task = asyncio.create_task(post(client))
    await until(lambda: broker.concurrent)
    await asyncio.sleep(0.01)
    assert not task.done()
    broker.open.set()
    response = await task
    assert response.status == 202
    assert response.content_type == "application/json"
    told = await response.json()
    assert told["accepted"] == 1
    [event] = broker.events()
    assert isinstance(event, AlertsReceived)
    assert (event.id, event.received_at) == (told["id"], NOW)
    assert [(each.name, each.source, each.service) for each in event.alerts] == [("A", "prom", "checkout")]
    assert ingest.requests == {("prom", "accepted"): 1}
    assert ingest.alerts == {"prom": 1}


async def test_no_alerts_are_accepted_and_bother_nobody(client, broker):
    response = await post(client, b'{"alerts": []}')
    assert response.status == 202
    assert (await response.json())["accepted"] == 0
    assert broker.publishes == 0


async def test_concurrent_requests_are_few_publishes_and_have_their_own_ids(client, broker, ingest):
    broker.open.clear()
    tasks = [asyncio.create_task(post(client)) for _ in range(60)]
    [lane] = ingest.intake._publisher._lanes
    await until(lambda: len(lane._queue) + broker.concurrent_alerts == 60)
    broker.open.set()
    answers = [await (await task).json() for task in tasks]
    assert len({each["id"] for each in answers}) == 60
    assert broker.publishes <= 2
    assert len(broker.names()) == 60


def basic(text: str) -> str:
    return f"Basic {b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    ("source", "header", "status"),
    [
        ("prom", "Bearer some-token", 202),
        ("prom", "bearer  old-token ", 202),
        ("prom", "Bearer other", 401),
        ("prom", "Bearer", 401),
        ("prom", "some-token", 401),
        ("prom", "", 401),
        ("prom", basic("some-token:"), 401),
        ("team", basic("am:päss:word"), 202),
        ("team", "Bearer t", 202),
        ("team", basic("am:wrong"), 401),
        ("team", "Basic am:päss:word", 401),
        ("team", "Bearer am:päss:word", 401),
        ("anybody", "", 202),
        ("anybody", "Bearer whatever", 202),
    ],
)
async def test_credentials(client, source, header, status):
    response = await post(client, path=f"/ingest/{source}", headers={"Authorization": header})
    assert response.status == status
    if status == 401:
        await problem(response, 401, "unauthorized")
        assert "Bearer" in response.headers["WWW-Authenticate"]
        assert ("Basic" in response.headers["WWW-Authenticate"]) == (source == "team")


async def test_unknown_source_names_the_known(client, ingest):
    told = await problem(await post(client, path="/ingest/nosuch"), 404, "unknown-source")
    assert told["known"] == list(SOURCES)
    assert ingest.requests == {("", "unknown-source"): 1}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/ingest/prom", "/api/v2/alerts", "/ingest/prom/api/v2/alerts"])
async def test_wrong_method(client, path, method):
    response = await client.request(method, path)
    await problem(response, 405, "method-not-allowed")
    assert response.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json; charset=utf-8", 202),
        ("Application/JSON", 202),
        ("application/vnd.alertmanager+json", 202),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("text/x+json", 415),
    ],
)
async def test_content_types(client, content_type, status):
    response = await post(client, headers={"Content-Type": content_type})
    assert response.status == status
    if status == 415:
        assert content_type in (await problem(response, 415, "unsupported-media-type"))["detail"]


async def test_missing_content_type_is_fine(client):
    response = await client.post("/ingest/prom", data=BODY, headers=PROM, skip_auto_headers=["Content-Type"])
    assert response.status == 202


async def test_not_json_is_told_with_its_place(client):
    told = await problem(await post(client, b'{\n "alerts": oops}'), 400, "not-json")
    assert (told["line"], told["column"]) == (2, 12)
    assert "line 2, column 12" in told["detail"]
    assert "line" not in await problem(await post(client, b"[NaN]"), 400, "not-json")
    await problem(await post(client, b""), 400, "not-json")


async def test_wrong_shape_is_told_with_its_place(client):
    bad = json.dumps({"alerts": [{"labels": {"foo": 1}}]}).encode()
    told = await problem(await post(client, bad), 422, "wrong-shape")
    assert told["path"] == "alerts[0].labels.foo"
    assert told["detail"] == "alerts[0].labels.foo: expected a string, got a number"


async def test_too_large_by_its_length(client):
    told = await problem(await post(client, b" " * 20_001), 413, "too-large")
    assert told["limit"] == 20_000


async def test_too_large_in_chunks(client, broker):
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 1000

    await problem(await post(client, endless()), 413, "too-large")
    assert broker.publishes == 0


async def test_chunks_and_pauses_are_fine(client, broker):
    async def slow() -> AsyncIterator[bytes]:
        for n in range(0, len(BODY), 40):
            yield BODY[n : n + 40]
            await asyncio.sleep(0.01)

    assert (await post(client, slow())).status == 202
    assert broker.names() == ["A"]


async def raw(client: TestClient[web.Request, web.Application], request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(request)
    answer = await reader.read(1 << 16)
    writer.close()
    return answer


HEAD = b"POST /ingest/prom HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer some-token\r\n"


async def test_too_slow(client):
    answer = await raw(client, HEAD + b"Content-Length: 500\r\n\r\n{")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"urn:tocsin:problem:too-slow" in answer


async def test_a_body_that_breaks_off_is_nobodys_alert(client, broker):
    _, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(HEAD + b"Content-Length: 500\r\n\r\n" + BODY)
    await writer.drain()
    writer.close()
    await asyncio.sleep(0.05)
    assert broker.publishes == 0


async def test_broken_chunks(client, broker):
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{ \r\n")
    await asyncio.sleep(0.05)
    writer.write(b"zz\r\n")
    answer = await reader.read(1 << 16)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 4")
    assert broker.publishes == 0


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("X-GZIP", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
    ],
)
async def test_packed_bodies(client, broker, encoding, pack):
    response = await post(client, pack(BODY), headers={"Content-Encoding": encoding})
    assert response.status == 202, await response.text()
    assert broker.names() == ["A"]


async def test_identity_is_no_packing(client):
    assert (await post(client, headers={"Content-Encoding": "identity"})).status == 202


async def test_unknown_packing(client):
    response = await post(client, headers={"Content-Encoding": "br"})
    await problem(response, 415, "unsupported-encoding")
    assert response.headers["Accept-Encoding"] == "gzip, deflate"


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", BODY),
        ("gzip", gzip.compress(BODY)[:-9]),
        ("gzip", gzip.compress(BODY) + b"more"),
        ("deflate", b""),
        ("deflate", b"\xff\xff\xff"),
    ],
)
async def test_badly_packed(client, encoding, body):
    await problem(await post(client, body, headers={"Content-Encoding": encoding}), 400, "broken-encoding")


async def test_a_bomb_is_put_out_while_it_unpacks(client, monkeypatch):
    bomb = gzip.compress(b" " * 5_000_000)
    asked = []

    def decompressobj(*args):
        inflater = zlib.decompressobj(*args)

        class Watched:
            def decompress(self, data, most):
                asked.append(most)
                return inflater.decompress(data, most)

        return Watched()

    watched = type(
        "zlib", (), {"decompressobj": staticmethod(decompressobj), "error": zlib.error, "MAX_WBITS": 15}
    )
    monkeypatch.setattr(reading, "zlib", watched)
    assert len(bomb) < BOUNDS.max_body
    told = await problem(await post(client, bomb, headers={"Content-Encoding": "gzip"}), 413, "too-large")
    assert told["limit"] == BOUNDS.max_unpacked
    assert asked == [BOUNDS.max_unpacked + 1]


async def test_full_and_away_ask_to_come_back(client, broker):
    broker.full = True
    response = await post(client)
    await problem(response, 503, "storage-full")
    assert response.headers["Retry-After"] == "7"
    broker.full, broker.down = False, True
    response = await post(client)
    await problem(response, 503, "broker-away")
    assert int(response.headers["Retry-After"]) > 0
    broker.down = False


@pytest.mark.parametrize(
    ("path", "header", "source"),
    [
        ("/ingest/prom/api/v2/alerts", "Bearer some-token", "prom"),
        ("/ingest/anybody/api/v2/alerts", "", "anybody"),
        ("/api/v2/alerts", "Bearer old-token", "prom"),
        ("/api/v2/alerts", basic("am:päss:word"), "team"),
        ("/api/v2/alerts", "Bearer t", "team"),
        ("/api/v2/alerts", "", "anybody"),
        ("/api/v2/alerts", "Bearer nobodys", "anybody"),
        ("/api/v2/alerts?source=team", "Bearer t", "team"),
        ("/api/v2/alerts?source=anybody", "Bearer some-token", "anybody"),
    ],
)
async def test_prometheus_pushes_to_the_source_that_is_meant(client, broker, path, header, source):
    response = await post(client, PUSH, path, {"Authorization": header})
    assert response.status == 200
    assert await response.read() == b""
    [event] = broker.events()
    assert [(each.name, each.source) for each in event.alerts] == [("P", source)]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/api/v2/alerts?source=team", 401), ("/api/v2/alerts?source=x", 404), ("/ingest/x/api/v2/alerts", 404)],
)
async def test_pushes_that_are_refused(client, path, status):
    assert (await post(client, PUSH, path)).status == status


async def test_a_push_without_an_open_source_needs_credentials(broker):
    client = await serve(make_ingest(broker, {"prom": SOURCES["prom"]}))
    await problem(await client.post("/api/v2/alerts", data=PUSH, headers=JSON), 401, "unauthorized")
    assert (await post(client, BODY, "/api/v2/alerts")).status == 200
    await client.close()


async def test_a_source_of_another_tool_takes_no_pushes(broker, ingest):
    tool = replace(TOOLS["alertmanager"], parse_push=None)
    source = Source("hook", ingest._sources["anybody"].auth, tool)
    client = await serve(Ingest({"hook": source}, Publisher(broker, "p"), lambda: NOW))
    await problem(await post(client, PUSH, "/ingest/hook/api/v2/alerts"), 404, "no-push")
    await problem(await post(client, PUSH, "/api/v2/alerts"), 404, "unknown-source")
    await client.close()
