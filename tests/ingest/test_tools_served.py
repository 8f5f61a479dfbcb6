"""What tools beside Alertmanager send and are told, over real HTTP."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pydantic import TypeAdapter
from standardwebhooks import Webhook

from domain.events import Quarantined, decode
from ingest.deliveries import Answer, Deliveries
from ingest.models import LimitsConfig, Sources
from ingest.publisher import Publisher
from ingest.server import Ingest
from tests.ingest.fakes import FakeBroker, until
from tests.ingest.test_server import ALERT, BODY, JSON, NOW, problem, serve

Client = TestClient[web.Request, web.Application]
SECRET = "whsec_c29tZSBzZWNyZXQgb2YgdGhlIHRlc3Rz"
LIMITS = LimitsConfig(max_depth=20, max_alerts=3, max_labels=8, max_label=64, max_concurrent=2)
SOURCES: dict[str, Any] = {
    "prom": {"type": "alertmanager"},
    "lenient": {"type": "alertmanager", "answer_bad": 202, "max_alerts": 9},
    "slow": {"type": "alertmanager", "rate": {"per_second": 0.5, "burst": 2}},
    "mine": {
        "type": "alertmanager",
        "severities": {"PAGE": "low", "high": "critical"},
        "defaults": {"team": "ops", "service": "shop"},
    },
    "pd": {"type": "pagerduty_events_v2", "auth": {"bearer": "route-1"}},
    "og": {"type": "opsgenie_alert_api", "auth": {"bearer": "genie-1"}},
    "kuma": {"type": "uptime_kuma", "auth": {"key": {"query": "key", "secret": "k1"}}},
    "cake": {"type": "statuscake"},
    "events": {"type": "cloudevents"},
    "shop": {"type": "generic", "mapping": {"items": "orders", "identity": "sku", "state": "is"}},
    "sns": {"type": "aws_cloudwatch_sns"},
    "signed": {"type": "alertmanager", "auth": {"standard_webhooks": {"secret": SECRET}}},
    "git": {"type": "github", "auth": {"github": "It's a Secret to Everybody"}},
}


@pytest.fixture
async def broker():
    return FakeBroker()


@pytest.fixture
async def ingest(broker):
    configs = TypeAdapter(Sources).validate_python(SOURCES)
    built = {name: config.build(name, LIMITS) for name, config in configs.items()}
    return Ingest(built, Publisher(broker, "beef"), lambda: NOW, LIMITS.build())


@pytest.fixture
async def client(ingest):
    client = await serve(ingest)
    yield client
    await client.close()


def alerts(broker: FakeBroker) -> list[tuple[str, str]]:
    return [(alert.source, alert.fingerprint) for event in broker.events() for alert in event.alerts]


def quarantined(broker: FakeBroker) -> list[Quarantined]:
    messages = broker.boxes["alerts.0"]
    events = [event for message in messages for event in decode(message.body)]
    return [event for event in events if isinstance(event, Quarantined)]


def webhook(*given: Any) -> bytes:
    return json.dumps({"alerts": given}).encode()


async def post(client: Client, name: str, body: bytes = BODY, headers: dict[str, str] | None = None) -> Any:
    return await client.post(f"/ingest/{name}", data=body, headers=JSON | (headers or {}))


async def test_the_good_among_the_bad_go_on_and_the_whole_is_quarantined(client, broker, ingest):
    body = webhook(ALERT, {"labels": {"a": 1}}, ALERT)
    response = await post(client, "prom", body, {"Authorization": "Bearer s3cret", "X-Trace": "7"})
    assert response.status == 202
    told = await response.json()
    assert told == {
        "id": told["id"],
        "accepted": 2,
        "faults": [{"path": "alerts[1].labels.a", "message": "expected a string, got a number"}],
        "quarantine": told["id"],
    }
    [kept] = quarantined(broker)
    assert (kept.id, kept.source, kept.received_at, kept.body) == (told["id"], "prom", NOW, body)
    assert (kept.path, kept.accepted) == ("alerts[1].labels.a", 2)
    assert kept.headers["authorization"] == "***"
    assert kept.headers["x-trace"] == "7"
    assert sum(message.alerts for message in broker.boxes["alerts.0"]) == 2
    assert ingest.noticed["prom", "fault"] == ingest.noticed["prom", "quarantined"] == 1


@pytest.mark.parametrize("body", [b"not json", b"[5]", webhook(5), b"{}"])
async def test_what_cannot_be_read_is_kept_before_its_sender_hears_of_it(client, broker, ingest, body):
    response = await post(client, "prom", body)
    assert response.status in {400, 422}
    assert [each.body for each in quarantined(broker)] == [body]
    assert ingest.requests == {("prom", "quarantined"): 1} or response.status
    broker.down = True
    assert (await post(client, "prom", body)).status == 503
    broker.down = False


async def test_a_source_may_take_what_cannot_be_read(client, broker):
    response = await post(client, "lenient", b"{}")
    assert response.status == 202
    told = await response.json()
    assert (told["accepted"], told["quarantine"]) == (0, quarantined(broker)[0].id)


async def test_no_alert_is_said_to_be_none(client, broker, ingest):
    assert (await (await post(client, "prom", webhook())).json())["nothing"] == "empty"
    assert ingest.noticed["prom", "nothing_empty"] == 1
    assert broker.publishes == 0


async def test_tests_are_counted_and_open_nothing(client, broker, ingest):
    response = await client.get("/ingest/kuma?key=k1&msg=My+Kuma+Testing")
    assert response.status == 202, await response.text()
    assert (await response.json())["accepted"] == 0
    assert ingest.noticed["kuma", "test"] == 1
    assert broker.publishes == 0


async def test_a_key_in_the_query_is_asked_for(client):
    await problem(await client.get("/ingest/kuma?msg=x"), 401, "unauthorized")


async def test_forms_are_taken_where_the_tool_sends_them(client, broker):
    form = {"TestID": "6601234", "Status": "Down", "URL": "https://shop.example"}
    assert (await client.post("/ingest/cake", data=form)).status == 202
    [(source, identity)] = alerts(broker)
    assert source == "cake"
    assert "6601234" in identity
    response = await client.post("/ingest/prom", data=form)
    await problem(response, 415, "unsupported-media-type")


async def test_too_fast_is_told_when_to_come_back_and_others_are_not_held_up(client, ingest):
    assert [(await post(client, "slow")).status for _ in range(3)] == [202, 202, 429]
    response = await post(client, "slow")
    await problem(response, 429, "too-many-requests")
    assert 1 <= int(response.headers["Retry-After"]) <= 4
    assert (await post(client, "prom")).status == 202
    assert ingest.requests["slow", "too-many-requests"] == 2


async def test_too_many_at_once(client, broker):
    broker.open.clear()
    tasks = [asyncio.create_task(post(client, "prom")) for _ in range(2)]
    await until(lambda: broker.concurrent)
    await asyncio.sleep(0.05)
    await problem(await post(client, "prom"), 429, "too-many-requests")
    broker.open.set()
    assert [(await task).status for task in tasks] == [202, 202]


async def test_too_many_alerts_in_a_body(client):
    told = await problem(await post(client, "prom", webhook(*[ALERT] * 4)), 413, "too-many-alerts")
    assert told["limit"] == 3
    assert (await post(client, "lenient", webhook(*[ALERT] * 9))).status == 202


async def test_too_deep(client, broker):
    deep = b'{"x": ' + b"[" * 30 + b"]" * 30 + b', "alerts": []}'
    assert "deeper than 20" in (await problem(await post(client, "prom", deep), 422, "wrong-shape"))["detail"]
    assert len(quarantined(broker)) == 1
    text = json.dumps({"alerts": [], "x": "{[" * 100}).encode()
    assert (await post(client, "prom", text)).status == 202


async def test_long_and_many_labels_are_cut_with_a_mark(client, broker, ingest):
    labels = {f"l{n}": "x" * 99 for n in range(20)} | {"alertname": "A", "service": "s"}
    assert (await post(client, "prom", webhook({"labels": labels}))).status == 202
    [event] = broker.events()
    [alert] = event.alerts
    assert list(alert.labels)[:2] == ["alertname", "service"]
    assert len(alert.labels) == 8
    assert alert.labels["l0"] == "x" * 63 + "…"
    assert alert.annotations["tocsin_cut"] == "14 labels were left out"
    assert ingest.noticed["prom", "cut"] == 1


async def test_severities_and_defaults_of_the_source(client, broker):
    given = [{"labels": {"alertname": "A", "severity": word}} for word in ("page", "error", "info")]
    assert (await post(client, "mine", webhook(*given))).status == 202
    [event] = broker.events()
    assert [alert.severity for alert in event.alerts] == ["low", "critical", "info"]
    assert {alert.labels["team"] for alert in event.alerts} == {"ops"}
    assert {alert.service for alert in event.alerts} == {"shop"}


async def test_a_clock_that_is_ahead_is_counted(client, ingest):
    ahead = {"labels": {"alertname": "A"}, "startsAt": "2030-01-01T00:00:00Z"}
    await post(client, "prom", webhook(ahead))
    await post(client, "prom")
    assert ingest.noticed["prom", "clock_ahead"] == 1


@pytest.mark.parametrize("header", ["Idempotency-Key", "webhook-id"])
async def test_a_delivery_sent_again_is_answered_the_same_and_not_taken(client, broker, ingest, header):
    first, again, other = [await post(client, "prom", headers={header: key}) for key in ("a", "a", "b")]
    assert await first.read() == await again.read() != await other.read()
    assert len(alerts(broker)) == 2
    assert ingest.requests == {("prom", "accepted"): 2, ("prom", "repeated"): 1}
    assert (await post(client, "lenient", headers={header: "a"})).status == 202
    assert len(alerts(broker)) == 3


async def test_a_delivery_that_failed_may_be_sent_again(client, broker):
    broker.full = True
    assert (await post(client, "prom", headers={"Idempotency-Key": "a"})).status == 503
    broker.full = False
    assert (await post(client, "prom", headers={"Idempotency-Key": "a"})).status == 202
    assert len(alerts(broker)) == 1


def cloud_event(id_: str) -> dict[str, Any]:
    return {"specversion": "1.0", "id": id_, "source": "/s", "type": "x.alert.firing", "subject": "db-1"}


async def test_a_cloud_event_sent_again(client, broker):
    kind = {"Content-Type": "application/cloudevents+json"}
    for id_ in ("1", "1", "2"):
        response = await client.post("/ingest/events", json=cloud_event(id_), headers=kind)
        assert response.status == 202, await response.text()
    head = {f"ce-{key}": value for key, value in cloud_event("3").items()}
    for _ in range(2):
        response = await client.post(
            "/ingest/events", data=b"<x/>", headers=head | {"Content-Type": "text/xml"}
        )
        assert response.status == 202, await response.text()
    assert len(alerts(broker)) == 3


async def test_sns_sent_again(client, broker):
    message = json.dumps(
        {"AlarmName": "a", "NewStateValue": "ALARM", "AlarmArn": "arn:aws:x", "StateChangeTime": ""}
    )
    body = {"Type": "Notification", "MessageId": "m-1", "Message": message, "TopicArn": "arn:aws:sns:x"}
    text = {"Content-Type": "text/plain; charset=UTF-8"}
    for headers in (text, text | {"x-amz-sns-message-id": "m-1"}, text):
        response = await client.post("/ingest/sns", data=json.dumps(body), headers=headers)
        assert response.status == 202, await response.text()
    assert len(alerts(broker)) == 1


async def test_who_asks_whether_it_may_send_is_told(client):
    response = await client.options("/ingest/events", headers={"WebHook-Request-Origin": "grid.example"})
    assert response.status == 200
    assert response.headers["WebHook-Allowed-Origin"] == "grid.example"
    assert response.headers["WebHook-Allowed-Rate"] == "*"
    assert (await client.options("/ingest/nothing")).status == 404


TRIGGER = {
    "routing_key": "route-1",
    "event_action": "trigger",
    "dedup_key": "d-1",
    "payload": {"summary": "Disk full", "source": "db-1", "severity": "error"},
}


@pytest.mark.parametrize("path", ["/v2/enqueue", "/ingest/pd", "/ingest/pd/v2/enqueue"])
async def test_pagerduty_events(client, broker, path):
    response = await client.post(path, json=TRIGGER)
    assert response.status == 202, await response.text()
    assert await response.json() == {
        "status": "success",
        "message": "Event processed",
        "dedup_key": "d-1",
    }
    assert alerts(broker) == [("pd", "d-1")]


@pytest.mark.parametrize("path", ["/v2/enqueue", "/ingest/pd/v2/enqueue"])
async def test_pagerduty_events_that_are_refused(client, broker, path):
    assert (await client.post(path, json=TRIGGER | {"routing_key": "other"})).status == 401
    response = await client.post(path, json={"routing_key": "route-1"})
    assert response.status == 400
    told = await response.json()
    assert told["status"] == "invalid event"
    assert told["errors"]
    assert alerts(broker) == []


GENIE = {"Authorization": "GenieKey genie-1"}


@pytest.mark.parametrize("base", ["", "/ingest/og"])
async def test_opsgenie_alerts(client, broker, base):
    created = {"message": "Disk full", "alias": "disk/db 1", "entity": "db-1"}
    response = await client.post(f"{base}/v2/alerts", json=created, headers=GENIE)
    assert response.status == 202, await response.text()
    told = await response.json()
    assert told["result"] == "Request will be processed"
    assert told["requestId"]
    closing = f"{base}/v2/alerts/disk%2Fdb%201/close?identifierType=alias"
    response = await client.post(closing, json={}, headers=GENIE)
    assert response.status == 202, await response.text()
    assert alerts(broker) == [("og", "disk/db 1")] * 2
    assert (await client.post(f"{base}/v2/alerts", json=created)).status == 401
    response = await client.post(f"{base}/v2/alerts", json={}, headers=GENIE)
    assert response.status == 422
    assert "message" in await response.json()


async def test_signed_bodies(client, broker):
    body = b'{"action": "created", "alert": {"number": 5}, "repository": {"full_name": "a/b"}}'
    response = await post(client, "git", body, {"X-GitHub-Event": "dependabot_alert"})
    await problem(response, 401, "unauthorized")
    signed = {
        "X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    }
    assert (await post(client, "git", b"Hello, World!", signed)).status == 400
    assert quarantined(broker)[0].headers["x-hub-signature-256"] == "***"


def svix(body: bytes) -> dict[str, str]:
    """Sign as Standard Webhooks says, under the headers of the service it came from: they name no delivery."""
    signature = Webhook(SECRET).sign("m-1", datetime.fromtimestamp(NOW // 1000, UTC), body.decode())
    return {"svix-id": "m-1", "svix-timestamp": str(NOW // 1000), "svix-signature": signature}


@pytest.mark.parametrize("name", ["signed", "prom"])
async def test_what_was_refused_is_refused_again_and_kept_once(client, broker, ingest, name):
    """A repeat of what is in quarantine must not be told that it was taken."""
    body = b"Hello, World!"
    headers = svix(body) if name == "signed" else {"Idempotency-Key": "a"}
    first, again = [await post(client, name, body, headers) for _ in range(2)]
    assert (first.status, again.status) == (400, 400), await first.text()
    assert await first.read() == await again.read()
    assert again.content_type == "application/problem+json"
    assert len(quarantined(broker)) == 1
    assert ingest.requests == {(name, "not-json"): 1, (name, "repeated"): 1}


async def test_a_signed_body_sent_again_gets_the_first_answer(client, broker):
    first, again = [await post(client, "signed", headers=svix(BODY)) for _ in range(2)]
    assert (first.status, again.status) == (202, 202), await first.text()
    assert await first.read() == await again.read()
    assert len(alerts(broker)) == 1


async def test_a_parser_that_fails_loses_nothing(client, broker, ingest, monkeypatch):
    def fail(_: object) -> None:
        raise ZeroDivisionError

    source = ingest._sources["cake"]
    monkeypatch.setattr(type(source.tool), "read", fail)
    told = await problem(await post(client, "cake"), 422, "wrong-shape")
    assert "ZeroDivisionError" in told["detail"] or "failed" in told["detail"]
    assert [each.body for each in quarantined(broker)] == [BODY]
    assert ingest.noticed["cake", "parser_failed"] == 1


@pytest.mark.parametrize("path", ["/v2/alerts/requests/r-1", "/ingest/og/v2/alerts/requests/r-1"])
async def test_opsgenie_tells_that_a_request_was_processed(client, broker, path):
    response = await client.get(path, headers=GENIE)
    told = await response.json()
    assert (response.status, told["requestId"]) == (200, "r-1")
    assert told["data"]["isSuccess"] is True
    assert (await client.get(path)).status == 401
    response = await client.get("/v2/alerts", headers=GENIE)
    assert (response.status, list(await response.json())) == (404, ["message", "took", "requestId"])
    assert broker.boxes == {}


@pytest.mark.parametrize("word", ["acknowledge", "close"])
async def test_opsgenie_actions_by_alias_and_by_other_names(client, broker, word):
    for address in (f"disk%2Fdb%201/{word}?identifierType=alias", f"disk%2Fdb%201/{word}?identifierType=id"):
        response = await client.post(f"/v2/alerts/{address}", headers=GENIE)
        assert response.status == 202, await response.text()
        told = await response.json()
        assert sorted(told) == ["requestId", "result", "took"]
    [first, second] = [event.alerts[0] for event in broker.events()]
    assert (first.fingerprint, first.state) == (second.fingerprint, second.state)
    assert first.state.value == {"acknowledge": "acknowledged", "close": "resolved"}[word]


async def test_pagerduty_events_without_a_key_get_one_and_it_is_told(client, broker):
    event = {key: value for key, value in TRIGGER.items() if key != "dedup_key"}
    keys = [(await (await client.post("/v2/enqueue", json=event)).json())["dedup_key"] for _ in range(2)]
    assert keys[0] == keys[1]
    assert alerts(broker) == [("pd", keys[0])] * 2
    resolve = {"routing_key": "route-1", "event_action": "resolve", "dedup_key": keys[0]}
    response = await client.post("/v2/enqueue", json=resolve)
    assert (response.status, (await response.json())["dedup_key"]) == (202, keys[0])


@pytest.mark.parametrize("trouble", ["full", "down"])
@pytest.mark.parametrize("body", [BODY, webhook(ALERT, {"labels": 5})])
async def test_what_was_not_stored_is_never_called_repeated(client, broker, ingest, trouble, body):
    name = {"Idempotency-Key": "a"}
    setattr(broker, trouble, True)
    for _ in range(2):
        assert (await post(client, "prom", body, name)).status == 503
    setattr(broker, trouble, False)
    async with asyncio.timeout(10):
        while (response := await post(client, "prom", body, name)).status == 503:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.05)
    assert response.status == 202
    assert (await response.json())["accepted"] == 1
    assert ("prom", "repeated") not in ingest.requests
    assert await (await post(client, "prom", body, name)).read() == await response.read()


async def test_a_push_sent_again_is_answered_as_the_first(client, broker):
    push = json.dumps([{"labels": {"alertname": "P"}}]).encode()
    for _ in range(2):
        answer = await client.post(
            "/ingest/prom/api/v2/alerts", data=push, headers=JSON | {"Idempotency-Key": "p"}
        )
        assert (answer.status, await answer.read()) == (200, b"")
    assert len(alerts(broker)) == 1


async def test_a_delivery_is_forgotten_after_its_window():
    deliveries = Deliveries(window=1000, most=2)
    answers = {name: Answer(202, "text/plain", name.encode()) for name in "abc"}
    deliveries.remember("x", "a", 0, answers["a"])
    assert deliveries.answer("x", "a", 1000) == answers["a"]
    assert deliveries.answer("x", "a", 1001) is None
    assert deliveries.answer("y", "a", 0) is None
    for name in "abc":
        deliveries.remember("x", name, 10, answers[name])
    assert [deliveries.answer("x", name, 10) for name in "abc"] == [None, answers["b"], answers["c"]]


async def test_a_mapping_keeps_the_good_of_a_list(client, broker):
    body = {"orders": [{"sku": "a", "is": "down"}, {"sku": "b", "is": "purple"}, {"sku": "a", "is": "ok"}]}
    response = await client.post("/ingest/shop", json=body)
    assert response.status == 202, await response.text()
    assert alerts(broker) == [("shop", "a"), ("shop", "a")]
    [kept] = quarantined(broker)
    assert "purple" in kept.reason


async def test_a_name_in_a_path_may_hold_the_end_of_a_line(client):
    """What is asked for there is answered by us, not by the server under us."""
    response = await client.post("/ingest/none/a%0Ab", json={})
    await problem(response, 404, "unknown-source")
