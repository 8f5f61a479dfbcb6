"""``tocsin serve`` as a process: it says where it is, drains when told to stop, and says why it cannot start."""

import errno
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.cli.serve import _why_not_bound
from tests.app.cli.running import (
    QUICKSTART,
    address,
    ended,
    eventually,
    get,
    post,
    serving,
    started,
    stop,
    tocsin,
)

ALERT = {
    "labels": {"alertname": "Down", "service": "checkout", "environment": "prod", "severity": "critical"}
}


def alerts(count: int) -> object:
    each = [{**ALERT, "status": "firing", "labels": {**ALERT["labels"], "pod": str(n)}} for n in range(count)]
    return {"alerts": each}


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_it_serves_on_a_free_port_until_sigterm_and_loses_nothing(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, url):
        assert post(f"{url}/ingest/alertmanager", alerts(300))["accepted"] == 300
        began = time.monotonic()

        assert stop(process) == 0
        assert time.monotonic() - began < 15

    with serving(tmp_path) as (_, url):
        stats = settled(url)
        assert stats["accepted"] == sum(stats["outcomes"].values()) == 300
        (incident,) = get(f"{url}/api/v1/incidents")["items"]
        assert incident["alerts"] == 300


def settled(url: str) -> Any:
    deadline = time.monotonic() + 30
    while (stats := get(f"{url}/api/v1/stats"))["in_flight"]:
        assert time.monotonic() < deadline, stats
        time.sleep(0.1)
    return stats


def test_ctrl_c_does_as_sigterm(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, _):
        process.send_signal(signal.SIGINT)

        assert ended(process, 15) == 0


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    """A request whose body never comes would hold the first signal up for seconds."""
    with serving(tmp_path) as (process, url):
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as stuck:
            head = "POST /ingest/alertmanager HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
            stuck.sendall(head.encode())
            time.sleep(0.2)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            assert process.poll() is None
            process.send_signal(signal.SIGTERM)

            assert ended(process, 2) == 1


def test_it_says_what_to_post_and_where_to_look_and_that_works(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, url):
        told = (tmp_path / "out").read_text()
        assert stop(process) == 0

    assert f"curl {url}/ingest/alertmanager -H 'Content-Type: application/json'" in told
    assert f"{url}/api/v1/incidents\n" in told
    assert f"{url}/api/v1/stats\n" in told
    assert "\x1b" not in told + (tmp_path / "err").read_text()


def test_logs_are_json_where_nobody_reads_them(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, url):
        stop(process)

    lines = [json.loads(line) for line in (tmp_path / "err").read_text().splitlines()]
    assert [line["event"] for line in lines][-2:] == ["serving", "stopping"]
    assert lines[-2]["address"] == url


def test_a_process_without_the_ingest_role_takes_no_alerts(tmp_path: Path) -> None:
    arguments = ("serve", "--config", QUICKSTART, "--listen", "127.0.0.1:0", "--role", "deliver")
    with started(*arguments, folder=tmp_path) as process:
        address(process, tmp_path)
        stop(process)

    told = (tmp_path / "out").read_text()
    assert "No alerts are taken here" in told
    assert "curl" not in told


def refused(*arguments: str | Path) -> str:
    """Start what cannot be; return the one line that says why."""
    result = tocsin("serve", *arguments)

    assert (result.exit_code, result.stdout) == (1, "")
    lines = [line for line in result.stderr.splitlines() if not line.startswith("{")]
    assert len(lines) == 1, result.stderr
    return lines[0]


def test_an_address_in_use(tmp_path: Path, taken: int) -> None:
    said = refused("--config", QUICKSTART, "--data", tmp_path, "--listen", f"127.0.0.1:{taken}")

    assert said == (
        f"tocsin: 127.0.0.1:{taken} is in use by another program; "
        "stop that, or name another port with --listen HOST:PORT"
    )


def meant(folder: Path) -> Path:
    """Write a configuration that says who may use the API, so that it may be seen from elsewhere."""
    config = folder / "tocsin.yaml"
    config.write_text(f"api: {{anonymous: viewer}}\n{QUICKSTART.read_text()}")
    return config


def test_an_open_api_stays_on_this_machine(tmp_path: Path) -> None:
    """Asked to listen everywhere, it listens on loopback as long as everybody could do everything, and says so."""
    with started("serve", "--config", QUICKSTART, "--listen", "0.0.0.0:0", folder=tmp_path) as process:
        url = address(process, tmp_path)
        assert "all other addresses" not in (tmp_path / "out").read_text()
        assert get(f"{url}/healthz") == {"status": "ok"}
        assert "loopback_only" in (tmp_path / "err").read_text()


def test_an_api_with_tokens_listens_where_it_is_told(tmp_path: Path) -> None:
    config = tmp_path / "tocsin.yaml"
    config.write_text("api: {tokens: [{name: bot, token: 0123456789abcdef, role: operator}]}\n")
    with started("serve", "--config", config, "--listen", "0.0.0.0:0", folder=tmp_path) as process:
        address(process, tmp_path)
        assert "and all other addresses of this machine" in (tmp_path / "out").read_text()
        url = (tmp_path / "out").read_text().split()[3]
        assert tocsin("parked", "list", "--url", url).exit_code == 1
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TOCSIN_TOKEN", "0123456789abcdef")
            assert tocsin("parked", "list", "--url", url).exit_code == 0


def test_an_address_of_another_machine(tmp_path: Path) -> None:
    said = refused("--config", meant(tmp_path), "--data", tmp_path, "--listen", "192.0.2.1:8080")

    assert (
        said == "tocsin: 192.0.2.1 is no address of this machine; --listen 0.0.0.0:8080 listens on all it has"
    )


def test_a_host_that_nobody_knows(tmp_path: Path) -> None:
    said = refused("--config", meant(tmp_path), "--data", tmp_path, "--listen", "nowhere.invalid:8080")

    assert said.startswith("tocsin: there is no address 'nowhere.invalid': ")


def test_a_port_for_the_privileged() -> None:
    said = _why_not_bound(PermissionError(errno.EACCES, "Permission denied"), "127.0.0.1", 80)

    assert said == "this user may not listen on 127.0.0.1:80; name a port above 1023 with --listen HOST:PORT"


@pytest.mark.parametrize("listen", ["8080", "localhost:", "localhost:http", "localhost:65536", "localhost:²"])
def test_an_address_that_is_none(listen: str) -> None:
    result = tocsin("serve", "--listen", listen)

    assert result.exit_code == 2
    assert "is not HOST:PORT" in result.stderr


def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    said = refused("--config", QUICKSTART, "--data", tmp_path / "data", "--listen", "127.0.0.1:0")

    assert said == (
        f"tocsin: the data folder {tmp_path / 'data'} cannot be used: there is a file in its place; "
        "name another with --data DIR"
    )


def test_a_data_folder_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = refused("--config", QUICKSTART, "--data", tmp_path / "file/data", "--listen", "127.0.0.1:0")

    assert said.endswith("file/data cannot be used: Not a directory; name another with --data DIR")


def test_a_data_folder_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_, **__: False)  # tests may be root, who may do anything
    said = refused("--config", QUICKSTART, "--data", tmp_path, "--listen", "127.0.0.1:0")

    assert said.endswith(
        "cannot be used: this user may not read and write there; name another with --data DIR"
    )


def test_a_database_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "tocsin.db").write_text("once upon a time " * 100)
    said = refused("--config", QUICKSTART, "--data", tmp_path, "--listen", "127.0.0.1:0")

    assert f"{tmp_path / 'tocsin.db'} is damaged or no database" in said


def test_a_broken_configuration(tmp_path: Path) -> None:
    file = tmp_path / "tocsin.yaml"
    file.write_text("sourcez: {}\nroutes: 5\n")
    result = tocsin("serve", "--config", file)

    assert (result.exit_code, result.stdout) == (1, "")
    first, second, summary = result.stderr.splitlines()
    assert first == f"{file}:1: sourcez: unknown key (did you mean sources?)"
    assert second.startswith(f"{file}:2: routes: ")
    assert summary == f"tocsin: {file} has 2 mistakes; docs/configuration.md says what may be in it"


def test_no_data_folder_is_made_where_nothing_would_be_in_it(tmp_path: Path) -> None:
    file = tmp_path / "tocsin.yaml"
    file.write_text("broker: amqp://127.0.0.1:1/\nstore: redis://127.0.0.1:1/0\n")
    with started(
        "serve", "--config", file, "--listen", "127.0.0.1:0", "--role", "deliver", folder=tmp_path
    ) as process:
        address(process, tmp_path)
        stop(process)

    assert not (tmp_path / "data").exists()


def test_a_source_that_falls_silent_opens_an_incident_and_one_heard_again_resolves_it(tmp_path: Path) -> None:
    """`expect_every` counts for a source that was never heard of, and for one that was."""
    config = tmp_path / "tocsin.yaml"
    config.write_text(
        "sources: {never: {type: alertmanager, expect_every: 1s}, prom: {type: alertmanager, expect_every: 3s}}"
    )
    with serving(tmp_path, config) as (_, url):

        def opened(state: str) -> list[str]:
            return sorted(each["title"] for each in get(f"{url}/api/v1/incidents?state={state}")["items"])

        post(f"{url}/ingest/prom", {"alerts": []})
        eventually(lambda: len(opened("open")) == 2)
        assert ["never" in opened("open")[0], "prom" in opened("open")[1]] == [True, True]
        post(f"{url}/ingest/prom", {"alerts": []})
        eventually(lambda: len(opened("resolved")) == 1)
        assert "never" in opened("open")[0]
