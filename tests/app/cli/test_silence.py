"""``tocsin silence``, with a running Tocsin."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.app.cli.running import eventually, get, serving, tocsin

CONFIG = "sources: {prom: {type: alertmanager}}\n"
ALERT = {
    "status": "firing",
    "labels": {"alertname": "Up", "service": "shop"},
    "startsAt": "2026-01-01T00:00:00Z",
}


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "tocsin.yaml").write_text(CONFIG)
    with serving(tmp_path, tmp_path / "tocsin.yaml") as (_, address):
        yield address


def silence(url: str, *words: str) -> str:
    done = tocsin("silence", words[0], "--url", url, *words[1:])
    assert done.exit_code == 0, done.output
    return done.stdout.strip()


def post(url: str) -> None:
    body = json.dumps({"alerts": [ALERT]}).encode()
    with urlopen(Request(f"{url}/ingest/prom", body, {"Content-Type": "application/json"})) as answer:
        assert answer.status == 202


def test_a_silence_from_its_beginning_to_its_early_end(url: str) -> None:
    """Set by one person, seen, extended by another; ended early, and what fires on opens its incident."""
    name = silence(url, "add", "service=shop", "--for", "2h", "--comment", "new disks", "--author", "alice")
    eventually(lambda: name in silence(url, "list", "--state", "active"))
    post(url)
    eventually(lambda: "1 alerts wait for its end" in silence(url, "show", name))
    assert "alice  service=shop  new disks" in silence(url, "show", name)

    before = get(f"{url}/api/v1/silences/{name}")["ends_at"]
    silence(url, "extend", name, "--until", "2101-01-01T00:00+01:00", "--author", "bob")
    eventually(lambda: get(f"{url}/api/v1/silences/{name}")["ends_at"] == "2100-12-31T23:00:00.000Z" > before)
    assert get(f"{url}/api/v1/incidents")["items"] == []

    assert silence(url, "expire", name, "--author", "bob") == f"{name}  expired"
    eventually(lambda: len(get(f"{url}/api/v1/incidents")["items"]) == 1)
    listed = json.loads(silence(url, "list", "--json"))
    assert (listed["state"], listed["author"]) == ("expired", "bob")


def test_what_is_not_there_cannot_be_ended_or_extended(url: str) -> None:
    for words in (("expire", "nothing"), ("extend", "nothing", "--for", "1h")):
        done = tocsin("silence", words[0], *words[1:], "--url", url)
        assert done.exit_code == 1
        assert "there is no silence 'nothing'" in done.output


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ((), "say when it ends"),
        (("--for", "1h", "--until", "2027-01-01"), "say when it ends"),
        (("--for", "soon"), "is not a length of time"),
        (("--until", "soon"), "is not a time like"),
    ],
)
def test_an_end_that_makes_no_sense_is_refused_before_anything_is_asked(
    options: tuple[str, ...], why: str
) -> None:
    done = tocsin("silence", "add", "a=b", *options)

    assert done.exit_code == 2
    assert why in done.output
