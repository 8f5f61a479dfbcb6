"""``tocsin quarantine``, with a running Tocsin: what could not be understood is seen, replayed and dropped."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.app.cli.running import eventually, get, serving, tocsin

CONFIG = """\
sources:
  prom: {type: alertmanager, auth: {bearer: s3cret}}
  lenient: {type: alertmanager, answer_bad: 202}
  pd: {type: pagerduty_events_v2}
"""
GOOD = {
    "status": "firing",
    "labels": {"alertname": "Up", "service": "shop"},
    "startsAt": "2026-01-01T00:00:00Z",
}
BAD = {"status": "firing", "labels": {"alertname": 5}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tocsin.yaml").write_text(CONFIG)
    return tmp_path


@pytest.fixture
def url(folder: Path) -> Iterator[str]:
    with serving(folder, folder / "tocsin.yaml") as (_, address):
        yield address


def sent(url: str, source: str, body: object) -> tuple[int, Any]:
    data = body if isinstance(body, bytes) else json.dumps({"alerts": body}).encode()
    headers = {"Content-Type": "application/json", "Authorization": "Bearer s3cret"}
    try:
        with urlopen(Request(f"{url}/ingest/{source}?token=t0p", data, headers)) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        return error.code, json.load(error)


def ids(url: str, *options: str) -> list[str]:
    listed = tocsin("quarantine", "list", "--url", url, *options)
    assert listed.exit_code == 0, listed.stderr
    return [line.split()[0] for line in listed.stdout.splitlines()]


def incidents(url: str) -> int:
    return len(get(f"{url}/api/v1/incidents")["items"])


def test_one_bad_alert_among_good_is_kept_and_opens_nothing_twice(url: str, tmp_path: Path) -> None:
    """The good go on at once; the mended request, replayed twice, opens no second incident."""
    status, told = sent(url, "prom", [GOOD, BAD])
    assert (status, told["accepted"]) == (202, 1)
    eventually(lambda: ids(url) == [told["quarantine"]] and incidents(url) == 1)
    id_ = told["quarantine"]

    shown = tocsin("quarantine", "show", id_, "--url", url)
    assert "alerts[1].labels.alertname: expected a string" in shown.stderr
    assert "s3cret" not in shown.output
    assert "t0p" not in shown.output
    (tmp_path / "kept.http").write_text(shown.stdout)
    assert tocsin("parse", "alertmanager", tmp_path / "kept.http").exit_code == 0

    still = tocsin("quarantine", "replay", id_, "--url", url)
    assert (still.exit_code, "1 parts still not understood; it stays" in still.stdout) == (1, True)

    mended = tmp_path / "mended.json"
    mended.write_text(
        json.dumps({"alerts": [GOOD, {**GOOD, "labels": {"alertname": "B", "service": "shop"}}]})
    )
    replayed = tocsin("quarantine", "edit", id_, "--file", mended, "--url", url)
    assert (replayed.exit_code, replayed.stdout) == (0, f"{id_}  2 alerts accepted\n"), replayed.stderr
    eventually(lambda: not ids(url) and len(get(f"{url}/api/v1/alerts")["items"]) == 2)

    assert incidents(url) == 1
    outcomes = get(f"{url}/api/v1/stats")["outcomes"]
    assert (outcomes["opened"], outcomes["joined"], outcomes["duplicate"]) == (1, 1, 2)
    again = tocsin("quarantine", "edit", id_, "--file", mended, "--url", url)
    assert (again.exit_code, "there is nothing in quarantine" in again.stderr) == (1, True)


def test_all_of_a_source_is_replayed_after_its_mapping_was_mended(folder: Path) -> None:
    """What was sent to a source of the wrong type is understood once the type is put right."""
    wrong = CONFIG.replace("lenient: {type: alertmanager", "lenient: {type: zabbix")
    (folder / "tocsin.yaml").write_text(wrong)
    with serving(folder, folder / "tocsin.yaml") as (_, url):
        for number in range(3):
            labels = {"alertname": f"A{number}", "service": f"s{number}"}
            assert sent(url, "lenient", [{**GOOD, "labels": labels}])[0] == 202
        assert sent(url, "prom", b"{")[0] == 400
        eventually(lambda: len(ids(url)) == 4)
    (folder / "tocsin.yaml").write_text(CONFIG)
    with serving(folder, folder / "tocsin.yaml") as (_, url):
        assert len(ids(url, "--source", "lenient", "--limit", "2")) == 2
        done = tocsin("quarantine", "replay", "--source", "lenient", "--url", url)
        assert (done.exit_code, done.stdout.splitlines()[-1]) == (
            0,
            "3 replayed with 3 alerts, 0 still not understood",
        )
        eventually(lambda: incidents(url) == 3 and len(ids(url)) == 1)

        failed = tocsin("quarantine", "replay", "--all", "--url", url)
        assert (failed.exit_code, "not JSON" in failed.stderr) == (1, True)
        dropped = tocsin("quarantine", "drop", "--all", "--url", url)
        assert (dropped.exit_code, dropped.stdout) == (0, "1 dropped\n")
        eventually(lambda: not ids(url))
        figures = get(f"{url}/api/v1/stats")["quarantine"]
        assert figures == {"kept": 0, "replayed": 3, "dropped": 1, "expired": 0}
        with urlopen(f"{url}/metrics") as answer:
            metrics = answer.read().decode()
        assert 'tocsin_quarantine_left_total{how="replayed"} 3.0' in metrics
        assert "tocsin_quarantine_requests 0.0" in metrics


def test_a_large_body_and_a_key_within_one(url: str) -> None:
    """A large body comes back as it was; a key that PagerDuty's events hold is not kept."""
    large = b"[" + b'"x", ' * 200_000
    assert sent(url, "lenient", large)[0] == 202
    assert sent(url, "pd", b'{"routing_key": "R0UT3", "event_action": "dance"}')[0] == 400
    eventually(lambda: len(ids(url)) == 2)
    event, body = ids(url)

    with urlopen(f"{url}/api/v1/quarantine/{body}/body") as answer:
        assert answer.read() == large
    assert '"routing_key": "***"' in tocsin("quarantine", "show", event, "--url", url).stdout


def test_an_editor_changes_a_body(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """$EDITOR gets the body; unchanged it is left alone, wrong it is kept for another try, right it is replayed."""
    sent(url, "lenient", b"{")
    eventually(lambda: len(ids(url)) == 1)
    [id_] = ids(url)

    def edited(script: str) -> Any:
        (tmp_path / "edit").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "edit").chmod(0o755)
        monkeypatch.setenv("EDITOR", str(tmp_path / "edit"))
        monkeypatch.delenv("VISUAL", raising=False)
        return tocsin("quarantine", "edit", id_, "--url", url)

    assert edited("true").stdout == "nothing was changed, so nothing is replayed\n"
    wrong = edited('echo "[" > "$1"')
    assert (wrong.exit_code, "the body is not JSON" in wrong.stderr) == (1, True)
    assert Path(wrong.stderr.split()[-1]).read_text() == "[\n"
    right = edited('echo "[{\\"labels\\": {\\"alertname\\": \\"x\\"}}]" > "$1"')
    assert (right.exit_code, right.stdout) == (0, f"{id_}  1 alerts accepted\n"), right.stderr


def test_mistakes_are_told(tmp_path: Path) -> None:
    """What makes no sense is refused before anything is asked, and who does not answer is named."""
    nobody = "http://127.0.0.1:9"

    assert "name the ids, or --source, or --all" in tocsin("quarantine", "drop").output
    assert "is not an address" in tocsin("quarantine", "list", "--url", "ftp://x").output
    away = tocsin("quarantine", "list", "--url", nobody)
    assert (away.exit_code, "http://127.0.0.1:9/api/v1/quarantine cannot be reached" in away.stderr) == (
        1,
        True,
    )
