"""What comes from outside the file, or is secret in it, is never shown."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

import pytest

from config.load import load, parse
from config.problems import ConfigError
from config.reading import NotReadable, read_document
from config.schema import json_schema
from config.secrets import conceal
from tests.config.examples import FOLDER, SECRETS

TEXT = (FOLDER / "scale-out.yaml").read_text("utf-8")
PLANTED = re.sub(r"\$\{(\w+)\}", lambda match: SECRETS.get(match[1], match[0]), TEXT)


def broken(text: str) -> Iterator[str]:
    """Break every line of *text* in turn, in several ways."""
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        for new in (
            "",
            "  " + line,
            line.replace(":", "", 1),
            re.sub(r"(\w+):", r"x\1:", line),
            re.sub(r"(\w+):", "oops:", line, count=1),
            line.replace('"', "", 1),
            re.sub(r"[\"']", "", line),
            re.sub(r"amqp|rediss|https|webhook|rt", "http", line),
            re.sub(r"(: )([^\s{\[#].*)", r"\1[\2]", line),
            re.sub(r"(: )([^\s{\[#].*)", r"\1{a: \2}", line),
            line + line,
        ):
            yield "".join([*lines[:number], new, *lines[number + 1 :]])


def said_of(text: str, environ: dict[str, str]) -> str:
    try:
        settings = parse(text, "tocsin.yaml", environ)
    except ConfigError as error:
        return str(error)
    return repr(settings) + str(dataclasses.asdict(settings)) + "".join(map(str, settings.warnings))


@pytest.mark.parametrize(
    ("text", "environ"), [(TEXT, SECRETS), (PLANTED, {})], ids=["referred to", "in the file"]
)
def test_no_mistake_shows_a_secret(text, environ):
    for variant in broken(text):
        said = said_of(variant, environ)

        assert "hunter2" not in said, variant


def test_value_from_outside_is_not_shown_where_it_does_not_belong():
    """Whoever puts a secret in the wrong place must not find it in a log."""
    places = [
        "public_url: ${S}",
        "services: {a: {criticality: '${S}'}}",
        "services: {a: {depends_on: ['${S}']}}",
        "routes: [{destinations: ['${S}']}]",
        "correlation: {groups: [{id: '${S}', by: []}, {id: '${S}', by: []}]}",
        "correlation: {stale_after: '${S}', partitions: '${S}'}",
        "ingest: {max_body: '${S}'}",
        "templates: {title: '{{ ${S}'}",
        "templates: {title: '{% ${S} %}'}",
        "destinations: {a: {type: '${S}'}}",
        "destinations: {a: {type: webhook, url: '${S}'}}",
        "destinations: {a: {type: webhook, url: 'http://u:${S}@h/'}}",
        "priority: {matrix: {high: {high: '${S}'}}}",
    ]
    for secret in ("hunter2", "hun'ter2", "x y"):
        for text in places:
            said = said_of(text, {"S": secret})

            assert secret not in said, text
            assert repr(secret)[1:-1] not in said, text


def test_short_value_does_not_garble_the_message():
    assert "7d, or as plain seconds" in said_of("correlation: {stale_after: '${S}'}", {"S": "d"})


def test_syntax_error_quotes_nothing():
    with pytest.raises(NotReadable) as caught:
        read_document("password: hunter2: hunter2\n", "tocsin.yaml")

    assert "hunter2" not in caught.value.message


def test_settings_and_schema_show_no_secret():
    settings = load(FOLDER / "scale-out.yaml", SECRETS)

    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(dataclasses.asdict(settings))
    assert "hunter2" not in str([each.model_dump(mode="json") for each in settings.destinations.values()])
    assert "hunter2" not in str(json_schema())


def test_longest_text_is_concealed_first():
    masks = [("abc", "${SHORT}"), ("abc abc abc", "${LONG}")]

    assert conceal("'abc abc abc' is not abc", masks) == "'${LONG}' is not ${SHORT}"


def test_missing_value_in_one_of_several_kinds_is_the_only_mistake():
    """A login may be alone or in a list; that its password is missing does not make it a wrong kind of value."""
    text = "sources:\n  batch:\n    type: alertmanager\n    auth: {basic: {username: b, password: '${NOWHERE}'}}\n"
    said = [line for line in said_of(text, {}).splitlines() if "sources.batch" in line]
    assert len(said) == 1
    assert "NOWHERE is not set" in said[0]
