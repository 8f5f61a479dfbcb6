"""What each tool's body comes to, held against golden files, and what is said of bodies that are none."""

import gzip
import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.alert import Alert, AlertState, Severity
from domain.events import AlertsReceived, decode, encode
from ingest.sources import BadBody, NotJson, Parsed, Post, alertmanager, prometheus_am_api, vmalert
from ingest.sources.circumstances import Circumstances, set_circumstances
from ingest.sources.fingerprint import fingerprint
from ingest.sources.post import Parser
from ingest.sources.severities import severity_of

FIXTURES = Path(__file__).with_name("fixtures")
STORM = Path(__file__).parents[2] / "app/demo/storm.jsonl.gz"
PARSERS: dict[str, Parser] = {
    "alertmanager": alertmanager.parse,
    "prometheus": prometheus_am_api.parse,
    "vmalert": vmalert.parse,
}
BODIES = sorted(
    path for kind in PARSERS for path in (FIXTURES / kind).glob("*.json") if ".golden" not in path.name
)
NOON = 1773234000000  # 2026-03-11T13:00:00Z


def as_fields(alert: Alert) -> dict[str, object]:
    return {name: msgspec.to_builtins(getattr(alert, name)) for name in alert.__struct_fields__}


def webhook(*alerts: object) -> bytes:
    return json.dumps({"version": "4", "alerts": alerts}).encode()


def read(parse: Parser, body: bytes, at: int = NOON) -> Parsed:
    return parse(Post(body, at, "prom"))


def fault(parse: Parser, body: bytes) -> BadBody:
    with pytest.raises(BadBody) as caught:
        read(parse, body)
    return caught.value


@pytest.mark.parametrize("body", BODIES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_golden(body: Path):
    parse = PARSERS[body.parent.name]
    expected = json.loads(body.with_suffix(".golden.json").read_text("utf-8"))
    assert [as_fields(alert) for alert in read(parse, body.read_bytes()).alerts] == expected


def test_a_push_is_the_same_alert_as_through_a_real_alertmanager():
    with gzip.open(STORM) as lines:
        for post in [json.loads(line) for line in lines][1:]:
            firing = [each for each in post["body"]["alerts"] if each["status"] == "firing"]
            direct = [{key: each[key] for key in ("labels", "annotations", "startsAt")} for each in firing]
            late = 2 * NOON
            through = read(alertmanager.parse, webhook(*firing), late).alerts
            pushed = read(prometheus_am_api.parse, json.dumps(direct).encode(), late).alerts
            assert [each.fingerprint for each in pushed] == [each.fingerprint for each in through]
            assert [each.position for each in pushed] == [each.position for each in through]


def plain_fnv(labels: dict[str, str]) -> str:
    state = 0xCBF29CE484222325
    for name in sorted(labels):
        for byte in f"{name}\0{labels[name]}\0".encode().replace(b"\0", b"\xff"):
            state = (state ^ byte) * 0x100000001B3 % 2**64
    return f"{state:016x}"


@given(
    st.dictionaries(
        st.text(st.characters(exclude_characters="\0", codec="utf-8")), st.text("äb", max_size=300)
    )
)
def test_fingerprint_is_fnv_1a(labels):
    assert fingerprint(labels) == plain_fnv(labels)


@pytest.mark.parametrize(
    ("words", "severity"),
    [
        ("critical page fatal emergency disaster CRITICAL", Severity.CRITICAL),
        ("error high major Error", Severity.HIGH),
        ("warning warn medium average whatever P1", Severity.MEDIUM),
        ("minor low", Severity.LOW),
        ("info informational none notice ok OK", Severity.INFO),
    ],
)
def test_severity_words(words, severity):
    assert {severity_of(word) for word in words.split()} == {severity}
    assert severity_of(f" {words.split()[0]} ") is severity


@pytest.mark.parametrize(
    ("alert", "path", "words"),
    [
        ({"labels": {"alertname": "x", "foo": 1}}, "alerts[1].labels.foo", "expected a string, got a number"),
        ({"labels": {"a": "x", "b c": None}}, 'alerts[1].labels["b c"]', "expected a string, got null"),
        (
            {"labels": {"a": "x"}, "annotations": {"n": []}},
            "alerts[1].annotations.n",
            "expected a string, got an array",
        ),
        ({"labels": {}}, "alerts[1].labels", "length >= 1"),
        ({"status": "firing"}, "alerts[1].labels", "missing"),
        ({"labels": {"a": "b"}, "startsAt": "yesterday"}, "alerts[1].startsAt", "RFC3339"),
        ({"labels": {"a": "b"}, "startsAt": "2026-03-11T13:00:00"}, "alerts[1].startsAt", "timezone"),
        ({"labels": {"a": "b"}, "status": "odd"}, "alerts[1].status", "'odd'"),
        (
            {"labels": {"a": "b"}, "generatorURL": 7},
            "alerts[1].generatorURL",
            "expected a string, got a number",
        ),
        ("text", "alerts[1]", "expected an object, got a string"),
    ],
)
def test_a_wrong_shape_is_named_with_its_place(alert, path, words):
    parsed = read(alertmanager.parse, webhook({"labels": {"alertname": "good"}}, alert))
    assert [each.name for each in parsed.alerts] == ["good"]
    [found] = parsed.faults
    assert found.path == path
    assert words in found.message
    error = fault(alertmanager.parse, webhook({"labels": {}}, alert))
    assert (error.path, type(error)) == ("alerts[0].labels", BadBody)


@pytest.mark.parametrize(
    ("parse", "body", "path"),
    [
        (alertmanager.parse, b"[]", ""),
        (alertmanager.parse, b"{}", "alerts"),
        (alertmanager.parse, b'{"alerts": null}', "alerts"),
        (prometheus_am_api.parse, b"{}", ""),
        (prometheus_am_api.parse, b'[{"labels": {"a": true}}]', "[0].labels.a"),
        (alertmanager.parse, b"[" * 100_000 + b"]" * 100_000, ""),
        (alertmanager.parse, b'{"x":' * 100_000 + b"1" + b"}" * 100_000, ""),
    ],
)
def test_another_tools_body(parse, body, path):
    error = fault(parse, body)
    assert error.path == path
    assert not isinstance(error, NotJson)


@pytest.mark.parametrize(
    ("body", "line", "column"),
    [
        (b"", 1, 1),
        (b"hello", 1, 1),
        (b'{\n  "alerts": [\n    {"labels": }\n]}', 3, 16),
        (b'{"alerts": []} and more', 1, 16),
        (b"[not json", 1, 2),
        (b'{"alerts": [], "x": NaN}', 0, 0),
        (b"\xff\xfe", 1, 1),
    ],
)
def test_what_is_no_json_is_told_with_line_and_column(body, line, column):
    error = fault(alertmanager.parse, body)
    assert isinstance(error, NotJson)
    assert (error.line, error.column) == (line, column)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (rb"\ud800", "\ufffd"),
        (rb"a\udc00\ud800b", "a\ufffd\ufffdb"),
        (b"a\xffb", "a\ufffdb"),
        (rb"\ud83d\udd14", "\U0001f514"),
        (rb"a\u0000b", "a\0b"),
    ],
)
def test_broken_characters_become_what_go_makes_of_them(sent, kept):
    body = b'{"alerts": [{"labels": {"alertname": "x", "note": "' + sent + b'"}, "annotations": {}}]}'
    [alert] = read(alertmanager.parse, body).alerts
    assert alert.labels["note"] == kept
    [event] = decode(encode([AlertsReceived("1", NOON, [alert])]))
    assert isinstance(event, AlertsReceived)
    assert event.alerts == [alert]


def test_a_fault_behind_a_broken_character_is_still_found():
    assert (
        fault(alertmanager.parse, rb'{"alerts": [{"labels": {"a": "\ud800", "b": 1}}]}').path
        == "alerts[0].labels.b"
    )


def test_a_byte_order_mark_is_no_fault():
    assert len(read(alertmanager.parse, b"\xef\xbb\xbf" + webhook({"labels": {"a": "b"}})).alerts) == 1


def test_the_good_among_the_bad_of_a_push():
    good = {"labels": {"alertname": "good"}}
    body = json.dumps([good, {"labels": {"a": 1}}, 5, {"labels": {"alertname": ""}}, good]).encode()
    parsed = read(prometheus_am_api.parse, body)
    assert [each.name for each in parsed.alerts] == ["good", "unnamed alert", "good"]
    assert [each.path for each in parsed.faults] == ["[1].labels.a", "[2]"]


def test_what_the_api_answers_can_be_pushed_too():
    member = {"labels": {"alertname": "x"}, "status": {"state": "active"}}
    groups = [
        {"labels": {"team": "a"}, "alerts": [member, {"labels": 1}]},
        {"labels": {}, "alerts": [member]},
    ]
    parsed = read(prometheus_am_api.parse, json.dumps(groups).encode())
    assert [each.name for each in parsed.alerts] == ["x", "x"]
    assert [each.path for each in parsed.faults] == ["[0].alerts[1].labels"]


@pytest.mark.parametrize(
    ("state", "came_out"), [("firing", AlertState.HEARTBEAT), ("resolved", AlertState.RESOLVED)]
)
def test_a_dead_mans_switch_is_a_sign_of_life(state, came_out):
    [alert] = read(alertmanager.parse, webhook({"labels": {"alertname": "Watchdog"}, "status": state})).alerts
    assert alert.state is came_out


def test_nothing_in_it():
    assert read(alertmanager.parse, webhook()).nothing == "empty"
    assert read(prometheus_am_api.parse, b"[]").nothing == "empty"


def test_a_clock_that_runs_ahead_is_noted():
    circumstances = Circumstances()
    set_circumstances(circumstances)
    ahead = {"labels": {"alertname": "x"}, "startsAt": "2026-03-11T16:00:00Z"}
    [alert] = read(alertmanager.parse, webhook(ahead)).alerts
    assert alert.starts_at == NOON
    assert circumstances.take_ahead() == 3 * 3_600_000
    assert circumstances.take_ahead() == 0
    set_circumstances(Circumstances())


def test_every_fixture_has_both_halves():
    assert BODIES
    assert all(path.with_suffix(".golden.json").exists() for path in BODIES)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
ALMOST = st.fixed_dictionaries(
    {"labels": st.dictionaries(st.text(), st.text() | JSON, max_size=3)},
    optional={
        "annotations": st.dictionaries(st.text(), st.text(), max_size=3) | JSON,
        "status": st.sampled_from(["firing", "resolved"]) | JSON,
        "startsAt": st.datetimes().map(lambda moment: moment.isoformat() + "Z") | st.text(max_size=30),
        "endsAt": st.datetimes().map(lambda moment: moment.isoformat() + "+14:00") | JSON,
        "generatorURL": st.text(),
        "fingerprint": st.text(max_size=16),
    },
)
BODY = (
    st.binary()
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.lists(ALMOST, max_size=3).map(lambda alerts: json.dumps(alerts).encode())
    | st.lists(ALMOST, max_size=3).map(lambda alerts: webhook(*alerts))
)


@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS)
@given(body=BODY)
@example(body=b'[{"labels": {"\xff": 1}}]')
@example(body=b'{"alerts": [{"labels": {"a": "b"}, "startsAt": "0001-01-01T00:00:00+14:00"}]}')
@example(body=b'{"alerts": [' + b"1" * 5000 + b"]}")
def test_whatever_comes_there_is_no_other_error(parse, body):
    try:
        alerts = list(read(parse, body).alerts)
    except BadBody:
        return
    assert all(alert.starts_at <= NOON and alert.labels is not None for alert in alerts)
    assert all(alert.ends_at is None or alert.state is AlertState.RESOLVED for alert in alerts)
    encode([AlertsReceived("1", NOON, alerts)])
