"""``tocsin source``, ``send`` and ``parse``."""

import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml

from app.tools import handbook
from app.tools.guessing import content_type_of
from ingest.sources import TOOLS
from tests.app.cli.running import address, get, serving, started, stop, tocsin
from tests.ingest.messages import SAMPLES

FIRING = SAMPLES / "datadog/firing.http"
KEYS = ["state", "identity", "severity", "name", "service", "resource", "summary"]


def test_all_tools_are_listed() -> None:
    lines = tocsin("source", "list").stdout.splitlines()

    assert [line.split()[0] for line in lines] == list(TOOLS)
    assert "UptimeRobot (also: extra_uptimerobot)" in tocsin("source", "list").stdout


@pytest.mark.parametrize("name", [*TOOLS, "prometheus"])
def test_a_tool_is_shown_with_its_address_and_header(name: str) -> None:
    told = tocsin(
        "source", "show", name, "--url", "https://t.example/", "--source", "mine", "--auth", "X-Key: k"
    )

    assert told.exit_code == 0
    assert "https://t.example/ingest/mine" in told.stdout
    assert re.search(r"^  mine:\s+\{?type: ", told.stdout, re.MULTILINE)
    assert "{url}" not in told.stdout
    assert "{auth}" not in told.stdout


def test_files_that_come_with_a_guide_are_named() -> None:
    files = [word for word in tocsin("source", "show", "nagios").stdout.split() if word.endswith(".sh")]

    assert Path(files[-1]).read_text().startswith("#!")


@pytest.mark.parametrize("command", [["source", "show"], ["send"], ["parse"]])
def test_an_unknown_tool_names_the_known(command: list[str]) -> None:
    result = tocsin(*command, "nagioss", *(["-"] if command == ["parse"] else []))

    assert result.exit_code == 1
    assert "there is no tool 'nagioss'; known: alertmanager, " in result.stderr


def parsed(*arguments: str | Path, stdin: bytes | None = None) -> list[dict[str, object]]:
    result = tocsin("parse", *arguments, "--json", stdin=stdin)
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_an_alert_is_an_object_a_line() -> None:
    [alert] = parsed("datadog", FIRING)

    assert list(alert)[: len(KEYS)] == KEYS
    assert (alert["state"], alert["severity"], alert["resource"]) == ("firing", "high", "web-3")
    assert alert["starts_at"] == "2025-12-31T23:00:00.000Z"


def test_a_bare_body_is_taken_for_what_it_looks_like() -> None:
    body = FIRING.read_bytes().partition(b"\n\n")[2]
    form = b"TestID=5&Status=Down&URL=https%3A%2F%2Fshop.example"

    assert parsed("datadog", "-", stdin=body) == parsed("datadog", FIRING)
    assert [alert["state"] for alert in parsed("statuscake", "-", stdin=form)] == ["firing"]


def test_headers_path_and_time_count() -> None:
    event = {"ce-specversion": "1.0", "ce-id": "1", "CE-Source": "/s", "ce-type": "x.resolved"}
    push = b'[{"labels": {"a": "b"}, "endsAt": "2024-01-01T00:00:00Z"}]'

    [told] = parsed("cloudevents", "-", "--headers", json.dumps(event), stdin=b"")
    [closed] = parsed("opsgenie_alert_api", "-", "--path", "v2/alerts/a%2Fb/close", stdin=b"{}")
    states = [
        parsed("prometheus", "-", *at, stdin=push)[0]["state"]
        for at in ([], ["--at", "2023-01-01T00:00:00Z"])
    ]

    assert told["state"] == "resolved"
    assert (closed["state"], closed["identity"]) == ("resolved", "a/b")
    assert states == ["resolved", "firing"]


def test_what_is_no_alert_prints_nothing() -> None:
    result = tocsin("parse", "alertmanager", "-", "--json", stdin=b'{"alerts": []}')

    assert (result.exit_code, result.stdout) == (0, "")
    assert "no alert in it: empty" in result.stderr


def test_identities_of_a_folder_are_looked_at(tmp_path: Path) -> None:
    """Recorded files show what a configured identity would be worth, before it is."""
    config = tmp_path / "tocsin.yaml"
    config.write_text("sources: {am: {type: alertmanager, identity: [alertname, host]}}")
    folder = tmp_path / "recorded"
    folder.mkdir()
    for number, host in enumerate(['"host": "a", ', "", ""]):
        labels = f'{{{host}"alertname": "Down"}}'
        (folder / f"{number}.json").write_text(f'[{{"labels": {labels}}}]')

    result = tocsin("parse", "alertmanager", folder, "--config", config, "--json")

    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 3)
    assert "tocsin: identity: host is missing in 2 of 3 alerts\n" in result.stderr


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"alerts": [{"labels": {"a": 1}}]}', "stdin: alerts[0].labels.a: expected a string"),
        (b'{"alerts": \n ]', "stdin:2:2: not JSON: "),
        (b"[" * 100 + b"]" * 100, "stdin: nested deeper than 64 levels"),
    ],
)
def test_a_fault_is_told_with_its_place(body: bytes, said: str) -> None:
    result = tocsin("parse", "alertmanager", "-", "--json", stdin=body)

    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr


def test_the_good_are_shown_and_the_bad_are_told() -> None:
    body = b'{"alerts": [{"labels": {"a": "\\u001b[2J"}}, {"labels": 1}]}'
    result = tocsin("parse", "alertmanager", "-", stdin=body)

    assert result.exit_code == 0
    assert "state: firing" in result.stdout
    assert "\x1b" not in result.stdout
    assert "alerts[1].labels" in result.stderr


def test_a_source_brings_its_zone(tmp_path: Path) -> None:
    config = tmp_path / "tocsin.yaml"
    config.write_text("sources: {dd: {type: datadog, zone: Asia/Tokyo}, am: {type: alertmanager}}")
    body = b'{"alert_id": "1", "alert_transition": "Triggered", "alert_title": "x", "date": "2024-01-01 09:00:00"}'

    [alert] = parsed("datadog", "-", "--config", config, stdin=body)
    missing = tocsin("parse", "zabbix", "-", "--config", config, stdin=body)

    assert alert["starts_at"] == "2024-01-01T00:00:00.000Z"
    assert missing.exit_code == 1
    assert "no source of type zabbix; it has: dd, am" in missing.stderr


@pytest.mark.parametrize("headers", ["x", "[]"])
def test_headers_that_are_none(headers: str) -> None:
    assert tocsin("parse", "datadog", "-", "--headers", headers, stdin=b"").exit_code == 2


def test_what_a_body_looks_like() -> None:
    assert content_type_of(b"\xef\xbb\xbf [1]") == "application/json"
    assert content_type_of(b"hello, world = 5") == "text/plain"
    assert content_type_of(b"") == "text/plain"


@pytest.fixture
def sink() -> Iterator[tuple[str, list[tuple[str, str, dict[str, str], bytes]]]]:
    seen: list[tuple[str, str, dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            head = {key.lower(): value for key, value in self.headers.items()}
            seen.append((self.command, self.path, head, body))
            self.send_response(422 if b"bad" in body else 202)
            self.end_headers()
            self.wfile.write(b"said")

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    server.server_close()


def test_a_sample_is_sent_as_the_tool_sends_it(sink) -> None:
    url, seen = sink
    result = tocsin(
        "send", "prometheus_am_api", "--url", f"{url}?key=k", "--source", "prom", "--auth", "X-Key: s"
    )

    assert result.exit_code == 0
    assert "202 said" in result.stdout
    [(method, path, headers, body)] = seen
    assert (method, path) == ("POST", "/ingest/prom/api/v2/alerts?key=k")
    assert (headers["content-type"], headers["x-key"]) == ("application/json", "s")
    assert json.loads(body)[0]["labels"]["alertname"] == "DiskFull"


def test_a_file_is_sent_and_a_refusal_is_told(sink, tmp_path: Path) -> None:
    url, seen = sink
    file = tmp_path / "form"
    file.write_bytes(b"bad=1")
    result = tocsin("send", "statuscake", "--url", url, "--file", file)

    assert result.exit_code == 1
    assert "422 said" in result.stderr
    assert seen[0][2]["content-type"] == "application/x-www-form-urlencoded"


def test_what_cannot_be_sent() -> None:
    assert "never tells that a problem is over" in tocsin("send", "splunk", "--resolved").stderr
    assert "cannot be reached" in tocsin("send", "datadog", "--url", "http://127.0.0.1:1").stderr
    assert tocsin("send", "datadog", "--url", "file:///etc/passwd").exit_code == 2
    assert tocsin("send", "datadog", "--auth", "nothing").exit_code == 2
    assert "cannot be read" in tocsin("send", "datadog", "--file", "nowhere").stderr


def test_every_sample_is_taken_by_a_real_service(tmp_path: Path) -> None:
    config = tmp_path / "tocsin.yaml"
    mappings = {name: handbook.sample_mapping(tool) for name, tool in TOOLS.items()}
    given = {
        name: {"type": name} | ({"mapping": yaml.safe_load(text)} if text else {})
        for name, text in mappings.items()
    }
    config.write_text(yaml.safe_dump({"sources": given}))
    with serving(tmp_path, config) as (_, url):
        for path in sorted(SAMPLES.glob("*/*.http")):
            options = ["--resolved"] if path.stem == "resolved" else []
            result = tocsin("send", path.parent.name, "--url", url, *options)
            assert result.exit_code == 0, (path, result.output)
        books = get(f"{url}/api/v1/stats")

    assert books["accepted"] >= len(TOOLS)


def test_what_is_posted_is_recorded_and_can_be_parsed(tmp_path: Path) -> None:
    """`serve --record` keeps a request of each source, without its token, as `parse` reads it."""
    config = tmp_path / "tocsin.yaml"
    config.write_text("sources: {dog: {type: datadog, auth: {bearer: s3cret}}}")
    with started(
        *("serve", "--config", config, "--listen", "127.0.0.1:0", "--record", "kept"), folder=tmp_path
    ) as process:
        told = tocsin(
            *("send", "datadog", "--url", address(process, tmp_path), "--source", "dog"),
            *("--auth", "Authorization: Bearer s3cret"),
        )
        assert told.exit_code == 0, told.stderr
        assert stop(process) == 0
    [file] = (tmp_path / "kept/dog").glob("*.http")

    assert "s3cret" not in file.read_text()
    assert [alert["state"] for alert in parsed("datadog", file)] == ["firing"]


def generic_config(folder: Path) -> Path:
    """The configuration that ``source show`` prints."""
    told = tocsin("source", "show", "generic", "--source", "shop").stdout
    file = folder / "tocsin.yaml"
    file.write_text(
        re.findall(r"^sources:\n(?: .*\n)+", told, re.MULTILINE)[-1].replace("${SHOP_TOKEN}", "t")
    )
    return file


@pytest.mark.parametrize(("name", "state"), [("firing", "firing"), ("resolved", "resolved")])
def test_a_generic_body_is_read_by_the_mapping_of_its_source(tmp_path: Path, name: str, state: str) -> None:
    [alert] = parsed("generic", SAMPLES / f"generic/{name}.http", "--config", generic_config(tmp_path))

    assert [alert[key] for key in KEYS[:4]] == [state, "db-4/77", "critical", "Disk"]


def test_a_generic_body_without_a_mapping_is_told_the_way_out() -> None:
    result = tocsin("parse", "generic", SAMPLES / "generic/firing.http")

    assert result.exit_code == 1
    assert "give --config FILE with a source of type generic" in result.stderr
