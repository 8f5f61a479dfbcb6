"""What can page PagerDuty or Opsgenie, speaks CloudEvents or signs by Standard Webhooks posts here unchanged.

The client libraries are the makers' own.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import aiohttp
import opsgenie_sdk
import pagerduty
import pytest
from cloudevents.core.bindings import http as binding
from cloudevents.core.v1.event import CloudEvent
from opsgenie_sdk.exceptions import AuthenticationException
from standardwebhooks import Webhook

from tests.peers.conftest import Receiver, Serving
from tests.services.certificate import certify
from tests.services.server import HOST

ROUTING_KEY = "0123456789abcdef0123456789abcdef"
GENIE_KEY = "eb243592-faa2-4ba2-a551-1afdf565c889"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class TestPagerDuty:
    """Library ``pagerduty``, with its ``base_url``."""

    SOURCES: ClassVar = {"tool": {"type": "pagerduty_events_v2", "auth": {"bearer": ROUTING_KEY}}}

    async def test_an_event_lives(self, serving: Serving, tmp_path: Path) -> None:
        """Trigger, acknowledge and resolve meet by the key in the answer; who has another key opens nothing."""
        async with serving(self.SOURCES) as tocsin, with_tls(tocsin, tmp_path) as url:
            with (
                self.client(url, tmp_path, "f" * 32) as client,
                pytest.raises(pagerduty.HttpError) as refused,
            ):
                await asyncio.to_thread(client.trigger, "Disk full", "db-1")
            with self.client(url, tmp_path) as client, self.client(f"{url}/ingest/tool", tmp_path) as by_name:
                key = await asyncio.to_thread(
                    client.trigger,
                    "Disk full on db-1",
                    "db-1",
                    severity="error",
                    payload={"component": "postgres"},
                    custom_details={"service": "shop", "free": "2%"},
                    links=[{"href": "http://runbooks.example/disk", "text": "Runbook"}],
                )
                problem = await tocsin.alert("firing")
                assert await asyncio.to_thread(by_name.acknowledge, key) == key
                await tocsin.heard("acknowledged")
                await asyncio.to_thread(client.submit, "Deployed 1.2", timestamp="2026-11-01T08:00:00Z")
                assert await asyncio.to_thread(by_name.resolve, key) == key
                await it_ended(tocsin, problem)
        assert (refused.value.response and refused.value.response.status_code) == 401
        assert problem["fingerprint"] == key
        seen = [problem[name] for name in ("name", "severity", "service", "summary")]
        assert seen == ["Disk full on db-1", "high", "shop", "Disk full on db-1"]
        assert (problem["labels"]["resource"], problem["labels"]["component"]) == ("db-1", "postgres")
        assert problem["annotations"]["free"] == "2%"

    @staticmethod
    def client(url: str, folder: Path, key: str = ROUTING_KEY) -> pagerduty.EventsApiV2Client:
        """Make one that talks to *url*."""
        trusted = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        return pagerduty.EventsApiV2Client(key, base_url=url, verify=trusted)


class TestOpsgenie:
    """Library ``opsgenie-sdk``, with the ``host`` of its configuration."""

    SOURCES: ClassVar = {"tool": {"type": "opsgenie_alert_api", "auth": {"bearer": GENIE_KEY}}}
    DISK: ClassVar = {
        "message": "Disk full on db-1",
        "alias": "db-1/disk full",
        "entity": "db-1",
        "priority": "P2",
        "description": "2 % free",
        "tags": ["storage", "postgres"],
        "details": {"service": "shop"},
    }

    async def test_an_alert_lives(self, serving: Serving) -> None:
        """Create, acknowledge, a note and close meet by the alias; who has another key opens nothing."""
        known = {"identifier": "db-1/disk full", "identifier_type": "alias"}
        made = opsgenie_sdk.CreateAlertPayload(**self.DISK)
        on_it = opsgenie_sdk.AcknowledgeAlertPayload(user="Ada", note="on it")
        note = opsgenie_sdk.AddNoteToAlertPayload(note="half way")
        async with serving(self.SOURCES) as tocsin:
            with self.api(tocsin.url, "another") as api, pytest.raises(AuthenticationException):
                await asyncio.to_thread(api.create_alert, made)
            with self.api(tocsin.url) as api, self.api(f"{tocsin.url}/ingest/tool") as by_name:
                told = await asyncio.to_thread(api.create_alert, made)
                problem = await tocsin.alert("firing")
                await asyncio.to_thread(by_name.acknowledge_alert, **known, acknowledge_alert_payload=on_it)
                await tocsin.heard("acknowledged")
                await asyncio.to_thread(api.add_note, **known, add_note_to_alert_payload=note)
                await asyncio.to_thread(by_name.close_alert, **known)
                await it_ended(tocsin, problem)
        assert (told.result, bool(told.request_id)) == ("Request will be processed", True)
        assert problem["fingerprint"] == "db-1/disk full"
        seen = [problem[name] for name in ("name", "severity", "service", "summary")]
        assert seen == ["Disk full on db-1", "high", "shop", "Disk full on db-1"]
        assert problem["labels"]["resource"] == "db-1"
        assert set(problem["labels"]["tags"].replace(" ", "").split(",")) == {"storage", "postgres"}

    @staticmethod
    @contextmanager
    def api(url: str, key: str = GENIE_KEY) -> Iterator[Any]:
        """Make one that talks to *url*."""
        settings = opsgenie_sdk.Configuration()
        settings.host = url
        settings.api_key["Authorization"] = key
        settings.api_key_prefix["Authorization"] = "GenieKey"
        client = opsgenie_sdk.ApiClient(settings)
        yield opsgenie_sdk.AlertApi(client)
        client.rest_client.pool_manager.clear()


class TestCloudEvents:
    """Library ``cloudevents``, sent by an HTTP client that adds nothing."""

    SOURCES: ClassVar = {
        mode: {"type": "cloudevents", "auth": {"bearer": "some-token"}}
        for mode in ("structured", "binary", "batched")
    }

    async def test_an_event_fires_and_resolves(self, serving: Serving) -> None:
        """In each mode, by the last word of its type; one sent again counts once, a deployment not at all."""
        async with serving(self.SOURCES) as tocsin:
            for mode in self.SOURCES:
                statuses = [await self.send(tocsin, mode, event("firing", "1")) for _ in range(2)]
                assert statuses == [202, 202]
            firing = await tocsin.alerts("firing", 3)
            for mode in self.SOURCES:
                assert await self.send(tocsin, mode, event("resolved", "2")) == 202
                assert await self.send(tocsin, mode, event("deployed", "3")) == 202
            resolved = await tocsin.alerts("resolved", 3)
            counts = await tocsin.outcomes()
        assert firing.keys() == resolved.keys() == self.SOURCES.keys()
        for mode, problem in firing.items():
            assert resolved[mode]["key"] == problem["key"]
            assert problem["fingerprint"] == "/monitoring/eu-1/host/größe/DiskFull"
            seen = [problem[name] for name in ("name", "severity", "service", "summary")]
            assert seen == ["DiskFull", "critical", "shop", "2 % free"]
            assert (problem["labels"]["resource"], problem["labels"]["tenant"]) == ("host/größe", "blue")
            assert problem["starts_at"] == "2026-11-01T08:00:00.000Z"
        # A batch has no id of its own: the event in it is a duplicate, not a delivery sent again.
        assert counts == {"opened": 1, "joined": 2, "resolved": 3, "duplicate": 1}

    async def test_who_asks_first_may_send_many(self, serving: Serving) -> None:
        """The handshake of the webhook binding needs no token, the events do; a batch counts each for itself."""
        events = [event("firing", str(n), subject=f"host-{n}") for n in range(3)]
        async with serving(self.SOURCES) as tocsin, aiohttp.ClientSession() as client:
            url, origin = f"{tocsin.url}/ingest/batched", {"WebHook-Request-Origin": "grid.example"}
            async with client.options(url, headers=origin) as reply:
                allowed = (reply.status, reply.headers["WebHook-Allowed-Origin"])
            refused = await self.send(tocsin, "batched", *events, token="another")
            taken = await self.send(tocsin, "batched", *events, event("deployed", "9"))
            counts = await tocsin.outcomes(accepted=3)
        assert (allowed, refused, taken) == ((200, "grid.example"), 401, 202)
        assert counts == {"opened": 1, "joined": 2}

    async def send(self, tocsin: Receiver, mode: str, *events: CloudEvent, token: str = "some-token") -> int:
        """Send them in this *mode* to the source of its name; give the status of the answer."""
        if mode == "batched":
            bodies = [json.loads(binding.to_structured_event(each).body) for each in events]
            headers = {"content-type": "application/cloudevents-batch+json"}
            body = json.dumps(bodies).encode()
        else:
            make = binding.to_structured_event if mode == "structured" else binding.to_binary_event
            [message] = map(make, events)
            headers, body = message.headers, message.body
        return await post(tocsin, body, {**headers, "Authorization": f"Bearer {token}"}, mode)


def event(state: str, id_: str, subject: str = "host/größe") -> CloudEvent:
    """Tell of a disk."""
    attributes = {
        "specversion": "1.0",
        "type": f"com.example.alert.{state}",
        "source": "/monitoring/eu-1",
        "id": id_,
        "subject": subject,
        "time": datetime(2026, 11, 1, 8 if state == "firing" else 9, tzinfo=UTC),
        "datacontenttype": "application/json",
        "tenant": "blue",
    }
    data = {"alert": "DiskFull", "severity": "critical", "summary": "2 % free", "service": "shop"}
    return CloudEvent(attributes, data)


class TestStandardWebhooks:
    """Library ``standardwebhooks`` signs what an Alertmanager would have sent."""

    SOURCES: ClassVar = {"tool": {"type": "alertmanager", "auth": {"standard_webhooks": {"secret": SECRET}}}}

    async def test_who_signs_well_is_let_in(self, serving: Serving) -> None:
        """Not so another secret, a time long ago or yet to come, a body that was changed, no signature at all."""
        other, late = "whsec_" + "QUJD" * 8, timedelta(minutes=6)
        async with serving(self.SOURCES) as tocsin:
            refused = [
                await self.send(tocsin, "firing", "m1", secret=other),
                await self.send(tocsin, "firing", "m2", age=late),
                await self.send(tocsin, "firing", "m3", age=-late),
                await self.send(tocsin, "firing", "m4", changed=b" "),
                await post(tocsin, b"{}", {"Content-Type": "application/json"}),
            ]
            assert await tocsin.outcomes() == {}
            taken = [await self.send(tocsin, "firing", "m1") for _ in range(2)]
            problem = await tocsin.alert("firing")
            assert await self.send(tocsin, "resolved", "m2") == 202
            await it_ended(tocsin, problem)
        assert (refused, taken) == ([401] * 5, [202] * 2)
        assert (problem["name"], problem["service"], problem["severity"]) == ("DiskFull", "shop", "high")

    async def send(
        self,
        tocsin: Receiver,
        state: str,
        id_: str,
        *,
        secret: str = SECRET,
        age: timedelta = timedelta(),
        changed: bytes = b"",
    ) -> int:
        """Send it; give the status of the answer."""
        labels = {"alertname": "DiskFull", "service": "shop", "severity": "high"}
        body = json.dumps({"version": "4", "alerts": [{"status": state, "labels": labels}]})
        at = datetime.now(UTC) - age
        headers = {
            "Content-Type": "application/json",
            "webhook-id": id_,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret).sign(id_, at, body),
        }
        return await post(tocsin, body.encode() + changed, headers)


async def it_ended(tocsin: Receiver, problem: Mapping[str, Any]) -> None:
    """See that the end met the problem, and that nothing else became of it."""
    resolved = await tocsin.alert("resolved")
    assert resolved["key"] == problem["key"]
    assert (await tocsin.incident("resolved"))["id"] == problem["incident"]
    counts = await tocsin.outcomes()
    assert counts.pop("acknowledged", 1) == 1
    assert counts == {"opened": 1, "resolved": 1}


async def post(tocsin: Receiver, body: bytes, headers: Mapping[str, str], source: str = "tool") -> int:
    """Post *body* with these headers and no other that would tell its type."""
    async with (
        aiohttp.ClientSession(skip_auto_headers=["Content-Type"]) as client,
        client.post(f"{tocsin.url}/ingest/{source}", data=body, headers=headers) as reply,
    ):
        await reply.read()
        return reply.status


@asynccontextmanager
async def with_tls(tocsin: Receiver, folder: Path) -> AsyncIterator[str]:
    """Put a proxy before Tocsin that takes the TLS off, as PagerDuty's library talks to nothing else."""
    certify(folder, "proxy")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(folder / "proxy.crt", folder / "proxy.key")
    port = int(tocsin.address.partition(":")[2])

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inside, outside = await asyncio.open_connection(HOST, port)
        await asyncio.gather(pipe(reader, outside), pipe(inside, writer))

    async with await asyncio.start_server(pass_on, HOST, 0, ssl=tls) as server:
        yield f"https://{HOST}:{server.sockets[0].getsockname()[1]}"


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass all on, and the end."""
    with closing(writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
