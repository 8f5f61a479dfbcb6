"""``tocsin incident``, with a running Tocsin: what operators see and ask for."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from app.cli.incident_commands import StateName
from domain.incident import IncidentState
from tests.app.cli.running import eventually, get, serving, tocsin

CONFIG = """\
sources:
  prom: {type: alertmanager}
destinations:
  noc: {type: memory}
routes: [{destinations: [noc]}]
"""


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "tocsin.yaml").write_text(CONFIG)
    with serving(tmp_path, tmp_path / "tocsin.yaml") as (_, address):
        yield address


def post(url: str, *names: str) -> None:
    alerts = [
        {
            "status": "firing",
            "labels": {"alertname": name, "service": name},
            "startsAt": "2026-01-01T00:00:00Z",
        }
        for name in names
    ]
    data = json.dumps({"version": "4", "alerts": alerts}).encode()
    urlopen(Request(f"{url}/ingest/prom", data, {"Content-Type": "application/json"})).close()


def listed(url: str, *options: str) -> list[str]:
    result = tocsin("incident", "list", "--url", url, *options)
    assert result.exit_code == 0, result.stderr
    return result.stdout.splitlines()


def test_a_whole_life_by_hand(url: str) -> None:
    """Listed, taken on, commented, assigned, resolved and closed; all of it is on the timeline."""
    post(url, "shop")
    eventually(lambda: len(listed(url)) == 1)
    id_ = listed(url)[0].split()[0]

    for words in (["ack", id_, "--reason", "mine"], ["comment", id_, "told"], ["assign", id_, "bob"]):
        asked = tocsin("incident", *words, "--url", url, "--actor", "dana")
        assert asked.exit_code == 0, asked.stderr
    eventually(lambda: get(f"{url}/api/v1/incidents/{id_}")["assignee"] == "bob")
    assert listed(url, "--state", "open")[0].split()[2] == "acknowledged"

    for verb in ("resolve", "close"):
        assert tocsin("incident", verb, id_, "--url", url, "--actor", "dana").exit_code == 0
    eventually(lambda: len(listed(url, "--state", "closed")) == 1)

    shown = tocsin("incident", "show", id_, "--url", url).stdout
    assert "operator_acknowledged: by dana: mine" in shown
    assert "operator_assigned: to bob by dana" in shown
    assert "operator_closed: by dana" in shown


def test_what_is_refused_is_said_and_the_rest_is_done(url: str) -> None:
    """One of two ids is not known: the exit is 1, and the other is done."""
    post(url, "shop")
    eventually(lambda: len(listed(url)) == 1)
    id_ = listed(url)[0].split()[0]

    result = tocsin("incident", "resolve", "feed", id_, "--url", url, "--actor", "dana")

    assert (result.exit_code, result.stdout) == (1, f"{id_}  resolved\n")
    assert "there is no incident 'feed'" in result.stderr


def test_states_are_those_of_incidents() -> None:
    assert [state.value for state in StateName] == [state.value for state in IncidentState]
