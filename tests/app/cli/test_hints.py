"""What ``serve`` says on start: lines to paste, for the configuration at hand."""

import json
import re
import shlex

import pytest

from app.cli.hints import hints, sample
from config.load import parse
from config.settings import Settings
from ingest.sources import Post, alertmanager


def settings(text: str) -> Settings:
    return parse(text, "test", {})


def curl(text: str) -> list[str]:
    told = "\n".join(hints(settings(text), "127.0.0.1", 8080, takes_alerts=True))
    found = re.search(r"curl .*?(?<!\\)$", told, re.MULTILINE | re.DOTALL)
    assert found
    return shlex.split(found[0].replace("\\\n", ""))


def test_the_command_posts_what_the_source_reads() -> None:
    words = curl("sources: {prom: {type: alertmanager}}")

    assert words[1] == "http://127.0.0.1:8080/ingest/prom"
    (alert,) = alertmanager.parse(Post(words[-1].encode(), 0, "prom")).alerts
    assert alert.service == "checkout"


@pytest.mark.parametrize(
    ("auth", "words"),
    [
        ('{bearer: "s3cret"}', ["-H", "Authorization: Bearer YOUR-TOKEN"]),
        ('{bearer: ["s3cret", "s4cret"]}', ["-H", "Authorization: Bearer YOUR-TOKEN"]),
        ('{basic: {username: ann, password: "s3cret"}}', ["-u", "USER:PASSWORD"]),
    ],
)
def test_a_secret_is_a_placeholder(auth: str, words: list[str]) -> None:
    told = curl(f"sources: {{prom: {{type: alertmanager, auth: {auth}}}}}")

    assert told[2:4] == words
    assert not any("cret" in word for word in told)


def test_the_alert_is_about_a_service_there_is_and_has_what_groups_need() -> None:
    text = (
        "sources: {prom: {type: alertmanager}}\n"
        "services: {it's search: {}}\n"
        "correlation: {groups: [{id: a, by: [rack], match: {x: y}}, {id: b, by: [service, site, name]}]}\n"
    )

    labels = json.loads(curl(text)[-1])["alerts"][0]["labels"]
    assert labels == {
        "alertname": "HighErrorRate",
        "service": "it's search",
        "severity": "critical",
        "site": "test",
    }
    assert sample(settings(text))["alerts"] == [{"status": "firing", "labels": labels}]


def test_without_a_source_it_says_how_to_get_one() -> None:
    told = "\n".join(hints(settings(""), "127.0.0.1", 8080, takes_alerts=True))

    assert "no source is configured" in told
    assert "curl" not in told


@pytest.mark.parametrize(
    ("host", "first"),
    [
        ("0.0.0.0", "Tocsin serves on http://127.0.0.1:8080 and all other addresses of this machine"),
        ("::", "Tocsin serves on http://[::1]:8080 and all other addresses of this machine"),
        ("10.0.0.7", "Tocsin serves on http://10.0.0.7:8080"),
    ],
)
def test_the_address_is_one_that_can_be_pasted(host: str, first: str) -> None:
    assert hints(settings(""), host, 8080, takes_alerts=True)[0] == first
