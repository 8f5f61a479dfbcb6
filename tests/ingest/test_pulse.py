"""Signs of life of sources that something is expected of."""

import json

import pytest

from domain.alert import NEVER, Alert, AlertState
from ingest.models import SourceConfig
from ingest.publisher import Publisher
from ingest.pulse import Pulse
from ingest.server import Ingest
from ingest.source import Source
from tests.ingest.fakes import FakeBroker
from tests.ingest.test_server import BODY, JSON, NOW, serve

EVERY = 60_000


class Clock:
    """Time, moved by hand."""

    now = NOW


@pytest.fixture
def broker() -> FakeBroker:
    return FakeBroker()


def sources() -> dict[str, Source]:
    given = {
        "type": "alertmanager",
        "expect_every": "1m",
        "identity": ["host"],
        "defaults": {"service": "shop"},
    }
    other = {"type": "alertmanager"}
    return {
        "prom": SourceConfig.model_validate(given).build("prom"),
        "other": SourceConfig.model_validate(other).build("other"),
    }


def make(broker: FakeBroker) -> Ingest:
    return Ingest(sources(), Publisher(broker, "beef"), lambda: Clock.now)


def beats(broker: FakeBroker) -> list[Alert]:
    alerts = [alert for event in broker.events() for alert in event.alerts]
    return [alert for alert in alerts if alert.state is AlertState.HEARTBEAT]


def test_a_few_beats_in_each_interval() -> None:
    """Four are sent in the time that one is expected in, and after one that did not get through another."""
    pulse = Pulse("prom", EVERY, {})
    given = [pulse.beat(NOW + second * 1000) is not None for second in range(60)]

    assert [second for second, beat in enumerate(given) if beat] == [0, 15, 30, 45]
    pulse.missed()
    assert pulse.beat(NOW + 59_001) is not None
    assert pulse.beat(NOW) is not None, "the clock was set back"


async def test_what_is_understood_is_a_sign_of_life(
    broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alerts, and lists without any; neither what cannot be read nor what does not become durable."""
    ingest = make(broker)
    client = await serve(ingest)

    async def post(body: bytes, source: str = "prom") -> int:
        return (await client.post(f"/ingest/{source}", data=body, headers=JSON)).status

    assert await post(b"{") == 400
    broker.full = True
    assert await post(BODY) == 503
    broker.full = False
    assert await post(BODY, "other") == 202
    assert beats(broker) == []
    response = await client.post("/ingest/prom", data=BODY, headers=JSON)
    assert (await response.json())["accepted"] == 1
    assert await post(BODY) == 202
    assert [beat.starts_at for beat in beats(broker)] == [NOW]
    monkeypatch.setattr(Clock, "now", NOW + EVERY)
    assert await post(json.dumps({"alerts": []}).encode()) == 202
    assert [beat.starts_at for beat in beats(broker)] == [NOW, NOW + EVERY]
    assert ingest.alerts == {"prom": 2, "other": 1}
    await client.close()


async def test_it_is_expected_from_the_start(broker: FakeBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it can be said; its labels let rules tell sources apart."""
    monkeypatch.setattr("ingest.intake.EXPECT_AGAIN", 0.01)
    broker.outcomes_lost = 1
    await make(broker).expect(sources())

    beat = beats(broker)[-1]
    assert (beat.starts_at, beat.name, beat.service) == (NEVER, "source prom", "shop")
    assert beat.labels == {"alertname": "prom", "host": "prom", "service": "shop"}
