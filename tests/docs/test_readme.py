"""README's first steps and wiring, done as written, against a real ``tocsin serve``."""

from __future__ import annotations

import argparse
import json
import re
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import yaml

from tests.app.cli.running import get, serving, tocsin
from tests.docs.pages import all_blocks, blocks, commands, page

README = page("README.md")
WRITTEN = "http://127.0.0.1:8080"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
WIRING = {
    block.text.splitlines()[0]: block for block in blocks(README, "yaml") if block.text.startswith("# ")
}
ALERTS = [{"labels": {"alertname": "Wired", "service": "search", "severity": "warning"}}]


@dataclass(frozen=True, slots=True)
class Served:
    """A running Tocsin with README's configuration."""

    url: str
    config: Path

    def curl(self, *words: str) -> tuple[int, Any]:
        """Do what curl would; it is not on every machine."""
        options = _CURL.parse_args([word.replace(WRITTEN, self.url) for word in words])
        headers = dict(re.split(r":\s*", line, maxsplit=1) for line in options.header)
        if options.user:
            headers["Authorization"] = f"Basic {b64encode(options.user.encode()).decode()}"
        data = options.data.encode() if options.data else None
        with urlopen(Request(options.url, data, headers)) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None


def eventually(look: Callable[[], Any], wanted: Any) -> None:
    """Wait until a *look* shows what is *wanted*; a ticket comes a moment after its alert."""
    deadline = time.monotonic() + 10
    while (seen := look()) != wanted and time.monotonic() < deadline:
        time.sleep(0.05)

    assert seen == wanted


_CURL = argparse.ArgumentParser("curl")
_CURL.add_argument("-s", action="store_true")
_CURL.add_argument("-H", dest="header", action="append", default=[])
_CURL.add_argument("-d", dest="data")
_CURL.add_argument("-u", dest="user")
_CURL.add_argument("url")


@contextmanager
def serve(folder: Path) -> Iterator[Served]:
    config = folder / "tocsin.yaml"
    config.write_text(blocks(README, "yaml")[0].text)
    with serving(folder, config) as (_, url):
        yield Served(url, config)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Served]:
    """One to which nothing was posted yet."""
    with serve(tmp_path) as served:
        yield served


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One for each worker; the tests share it in any order."""
    with serve(tmp_path_factory.mktemp("readme")) as served:
        yield served


def test_first_steps(fresh: Served) -> None:
    """The file is fine, the alert is accepted, and the incident looks as the page shows it."""
    typed = [words for block in blocks(README, "sh") for words in commands(block.text)]
    checks = [words for words in typed if words[:2] == ["tocsin", "check"]]
    post, see = [words[1:] for words in typed if words[0] == "curl"]

    assert checks == [["tocsin", "check", "tocsin.yaml"]]
    assert "OK" in tocsin("check", fresh.config).stdout
    status, answer = fresh.curl(*post)
    assert (status, answer["accepted"]) == (202, 1)
    shown = _timeless(json.loads(blocks(README, "json")[0].text))
    eventually(lambda: _timeless(fresh.curl(*see)[1]), shown)


def _timeless(document: Any) -> Any:
    """Leave out what is different each time: moments, and the id that is made of one."""
    text = MOMENT.sub("MOMENT", json.dumps(document, sort_keys=True))
    return json.loads(re.sub(r'"id": "[0-9a-f]{16}"', '"id": "ID"', text))


def test_an_alertmanager_wired_so_is_let_in(served: Served) -> None:
    receiver = yaml.safe_load(WIRING["# alertmanager.yml"].text)["receivers"][0]["webhook_configs"][0]
    token = receiver["http_config"]["authorization"]["credentials"]
    body = json.dumps({"alerts": [{**each, "status": "firing"} for each in ALERTS]})

    status, answer = served.curl(*_posting(receiver["url"], token, body))

    assert (status, answer["accepted"]) == (202, 1)


@pytest.mark.parametrize("with_prefix", [True, False])
def test_a_prometheus_wired_so_is_let_in(served: Served, *, with_prefix: bool) -> None:
    wired = yaml.safe_load(WIRING["# prometheus.yml"].text)["alerting"]["alertmanagers"][0]
    [target] = wired["static_configs"][0]["targets"]
    prefix = wired["path_prefix"] if with_prefix else ""
    token = wired["authorization"]["credentials"]

    status, answer = served.curl(
        *_posting(f"http://{target}{prefix}/api/v2/alerts", token, json.dumps(ALERTS))
    )

    assert (status, answer) == (200, None)


def test_both_ways_give_the_same_identity(served: Served) -> None:
    test_an_alertmanager_wired_so_is_let_in(served)
    test_a_prometheus_wired_so_is_let_in(served, with_prefix=True)

    def look() -> set[str]:
        alerts = get(f"{served.url}/api/v1/alerts?service=search")["items"]
        return {alert["key"] for alert in alerts if alert["count"] > 1}

    eventually(lambda: len(look()), 1)


def _posting(url: str, token: str, body: str) -> list[str]:
    return [
        "-H",
        f"Authorization: Bearer {token}",
        "-H",
        "Content-Type: application/json",
        "-d",
        body,
        url,
    ]


def test_addresses_that_pages_name_answer(served: Served) -> None:
    """Every address of ours that a page shows is there: in ``curl`` commands, and in the text."""
    named = {path for path in _addresses() if "ID" not in path}

    assert len(named) > 5
    for path in named:
        with urlopen(f"{served.url}{path}") as answer:
            assert answer.status == 200


def _addresses() -> Iterator[str]:
    pattern = re.compile(r"`(/(?:api/v1|healthz|readyz|metrics)[^`?\s]*)")
    for each in ("README.md", "docs/operations.md"):
        yield from pattern.findall(page(each).read_text())


def test_metrics_are_those_of_the_list(served: Served) -> None:
    """docs/operations.md lists every metric of ours, and no other."""
    with urlopen(f"{served.url}/metrics") as answer:
        shown = re.findall(r"^# TYPE (tocsin_\w+) \w+$", answer.read().decode(), re.MULTILINE)
    listed = re.findall(r"^\| `(tocsin_\w+)`", page("docs/operations.md").read_text(), re.MULTILINE)

    assert sorted(listed) == sorted(name for name in shown if not name.endswith("_created"))


def test_nothing_is_typed_that_no_test_runs() -> None:
    """curl is only run for README; another page with it needs a test of its own."""
    typed = {block.page for block in all_blocks("sh") for words in commands(block.text) if words[0] == "curl"}

    assert typed == {"README.md"}
