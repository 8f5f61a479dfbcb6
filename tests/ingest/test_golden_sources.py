"""What each tool's request comes to, held against golden files. Samples are held to them too, and to each other.

A fixture is ``fixtures/TYPE/NAME.http``, its golden ``NAME.golden.json`` beside it; that of a sample is
``fixtures/TYPE/sample_NAME.golden.json``. After a change that is meant, look at the difference of::

    python -m tests.ingest.test_golden_sources --write [TYPE ...]
"""

from __future__ import annotations

import json
import sys
from importlib import import_module

import msgspec
import pytest

from domain.alert import Alert, AlertState
from domain.events import AlertsReceived, decode, encode
from ingest.sources.body import BadBody
from ingest.sources.post import Parsed, Reply
from tests.ingest.messages import FIXTURES, GUIDES, MESSAGES, NOW, OLDER, SAMPLES, TYPES, Message, parser_of


def in_words(parsed: Parsed) -> dict[str, object]:
    return {
        "alerts": [_fields(alert) for alert in parsed.alerts],
        "faults": [[fault.path, fault.message] for fault in parsed.faults],
        "nothing": parsed.nothing,
        **_changes(parsed),
        "reply": parsed.reply and _reply(parsed.reply),
    }


def _changes(parsed: Parsed) -> dict[str, object]:
    """Tell of changes where there are any; most tools tell of none."""
    told = [json.loads(json.dumps(msgspec.structs.asdict(each))) for each in parsed.changes]
    return {"changes": told} if told else {}


def _fields(alert: Alert) -> dict[str, object]:
    return {name: msgspec.to_builtins(getattr(alert, name)) for name in alert.__struct_fields__}


def _reply(reply: Reply) -> dict[str, object]:
    return {
        "status": reply.status,
        "body": reply.body.decode(),
        "content_type": reply.content_type,
        "headers": dict(reply.headers),
    }


def outcome(message: Message) -> dict[str, object]:
    try:
        return in_words(parser_of(message.type)(message.post()))
    except BadBody as error:
        return {"bad_body": {"message": str(error), "path": error.path}}


def sample(kind: str, name: str) -> list[Alert]:
    return [
        alert
        for message in MESSAGES
        if message.path == SAMPLES / kind / f"{name}.http"
        for alert in parser_of(kind)(message.post()).alerts
    ]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: f"{message.type}/{message.golden.stem}")
def test_golden(message):
    assert message.golden.exists(), f"python -m tests.ingest.test_golden_sources --write {message.type}"
    assert outcome(message) == json.loads(message.golden.read_text("utf-8"))


def test_every_golden_has_its_message():
    goldens = {path for path in FIXTURES.glob("*/*.golden.json") if path.parent.name not in OLDER}
    assert sorted(goldens - {message.golden for message in MESSAGES}) == []


@pytest.mark.parametrize("kind", TYPES)
def test_the_samples_fire_and_resolve_the_same(kind):
    firing, resolved = sample(kind, "firing"), sample(kind, "resolved")
    assert {alert.state for alert in firing} == {AlertState.FIRING}
    assert {alert.state for alert in resolved} <= {AlertState.RESOLVED}
    by_identity = {alert.fingerprint: alert for alert in firing}
    assert all(alert.position > by_identity[alert.fingerprint].position for alert in resolved)


@pytest.mark.parametrize("kind", TYPES)
def test_what_is_found_goes_through_the_broker(kind):
    alerts = [
        alert
        for message in MESSAGES
        if message.type == kind and "bad_body" not in outcome(message)
        for alert in parser_of(kind)(message.post()).alerts
    ]
    [event] = decode(encode([AlertsReceived("1", NOW, alerts)]))
    assert isinstance(event, AlertsReceived)
    assert event.alerts == alerts


@pytest.mark.parametrize("kind", TYPES)
def test_a_source_has_a_title_and_a_guide(kind):
    assert import_module(f"ingest.sources.{kind}").TITLE
    assert "{url}" in (GUIDES / f"{kind}.md").read_text("utf-8")


def write(kinds: list[str]) -> None:
    for message in MESSAGES:
        if not kinds or message.type in kinds:
            message.golden.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(outcome(message), ensure_ascii=False, indent=2)
            message.golden.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    if "--write" not in sys.argv:
        sys.exit(__doc__)
    write([word for word in sys.argv[1:] if word != "--write"])
