"""The source type ``generic``: mappings that are refused, and what those that are taken make of a body.

A case is ``fixtures/generic/NAME.request`` with ``NAME.mapping.yaml``; what comes out is ``NAME.result.json``. After a
change that is meant, look at the difference of ``python -m tests.ingest.test_generic --write``.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace

import msgspec
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from ingest.sources.body import BadBody
from ingest.sources.generic import TITLE, parser
from ingest.sources.generic_models import GenericMapping
from ingest.sources.message import read_message
from ingest.sources.post import Post
from tests.ingest.messages import FIXTURES, GUIDES, NOW
from tests.ingest.test_fuzz_sources import foreign_posts, in_order, mutated_bytes, mutated_document
from tests.ingest.test_golden_sources import in_words

CASES = sorted((FIXTURES / "generic").glob("*.request"))
GUIDE = (GUIDES / "generic.md").read_text("utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```.*?```json\n(.*?)```.*?```json\n(.*?)```", GUIDE, re.DOTALL)


def mapping(text: str) -> GenericMapping:
    return GenericMapping.model_validate(yaml.safe_load(text))


def mapping_of(case) -> GenericMapping:
    return mapping(case.with_suffix(".mapping.yaml").read_text("utf-8"))


def post_of(case) -> Post:
    return read_message(case.read_bytes(), "generic", NOW)


def outcome(case) -> dict[str, object]:
    try:
        return in_words(parser(mapping_of(case))(post_of(case)))
    except BadBody as error:
        return {"bad_body": {"message": str(error), "path": error.path}}


def refused(**keys: object) -> list[tuple[tuple[int | str, ...], str]]:
    with pytest.raises(ValidationError) as caught:
        GenericMapping.model_validate({"identity": "id"} | keys)
    return [(_written(error["loc"]), error["msg"]) for error in caught.value.errors()]


def _written(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Leave out the member of a union, which nobody wrote."""
    return tuple(
        step for step in location if not str(step).startswith(("constrained-", "function-", "list["))
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_what_comes_of_it(case):
    assert outcome(case) == json.loads(case.with_suffix(".result.json").read_text("utf-8"))


@pytest.mark.parametrize(("yaml_text", "body", "expected"), EXAMPLES)
def test_the_examples_of_the_guide(yaml_text, body, expected):
    post = Post(body.encode(), NOW, "generic", {"content-type": "application/json"})
    parsed = parser(mapping(yaml_text))(post)
    found, wanted = [msgspec.structs.asdict(alert) for alert in parsed.alerts], json.loads(expected)
    assert list(parsed.faults) == []
    assert [{key: alert[key] for key in part} for alert, part in zip(found, wanted, strict=True)] == wanted


def test_the_guide_has_two_examples_and_names_every_key():
    assert len(EXAMPLES) == 2
    assert all(f"`{key}`" in GUIDE for key in GenericMapping.model_fields)
    assert TITLE
    assert "{url}" in GUIDE


@pytest.mark.parametrize(
    ("keys", "place", "message"),
    [
        ({"name": "a..b"}, ("name",), "column 3: a name, '[' or '{' is expected, not '.'"),
        ({"name": "a b"}, ("name",), "column 3: 'b' cannot stand here"),
        ({"name": "a[?b =="}, ("name",), "column 8: ends too early"),
        ({"name": "a.#"}, ("name",), "column 3: unknown token #"),
        ({"name": ""}, ("name",), "is empty"),
        ({"name": "a || `text`"}, ("name",), "column 6: backquotes are for JSON; write 'text' for a text"),
        ({"identity": ["a", "b["]}, ("identity", 1), "column 3: ends too early"),
        ({"identity": []}, ("identity",), "at least 1 item"),
        ({"labels": {"team": "tags[?"}}, ("labels", "team"), "column 7: ends too early"),
        ({"summary": "a || frobnicate(b)"}, ("summary",), "column 6: there is no function frobnicate"),
        ({"summary": "join(a)"}, ("summary",), "column 1: join takes 2 arguments, not 1"),
        ({"summary": "(" * 5_000}, ("summary",), "nested too deeply"),
        ({"zone": "Mars/Olympus"}, ("zone",), "'Mars/Olympus' is no time zone"),
        ({"zone": "../etc"}, ("zone",), "is no time zone"),
        ({"states": {"bad": "firing"}}, (), "give state too"),
        ({"severities": {"1": "high"}}, (), "give severity too"),
        ({"state": "s", "states": {"x": "burning"}}, ("states", "x"), "Input should be"),
        ({"nickname": "a"}, ("nickname",), "Extra inputs"),
    ],
)
def test_a_mistake_is_named_with_its_key_and_column(keys, place, message):
    errors = refused(**keys)
    assert any(where[: len(place)] == place and message in text for where, text in errors), errors


def test_all_mistakes_are_named_at_once():
    assert {place for place, _ in refused(name="a[", url="b[", zone="Mars")} == {
        ("name",),
        ("url",),
        ("zone",),
    }


@pytest.mark.parametrize("words", [{True: "firing", 2: "resolved"}, {" TRUE": "firing", "2": "resolved"}])
def test_what_yaml_makes_of_words_is_taken_for_words(words):
    found = GenericMapping.model_validate({"identity": "id", "state": "s", "states": words})
    assert list(found.states) == ["true", "2"]


@given(data=st.data())
def test_any_body_gives_alerts_or_a_bad_body(data):
    case = data.draw(st.sampled_from(CASES))
    in_order(parser(mapping_of(case)), data.draw(foreign_posts("generic")))


@given(data=st.data())
def test_a_mutated_body_gives_alerts_or_a_bad_body(data):
    case = data.draw(st.sampled_from(CASES))
    post = post_of(case)
    whole = post.body.lstrip()[:1] in {b"{", b"["} and data.draw(st.booleans())
    change = mutated_document if whole else mutated_bytes
    in_order(parser(mapping_of(case)), replace(post, body=change(data.draw, post.body)))


@given(
    text=st.text("ab.[]?*@&|'`\"0:, ()=<!_", max_size=12),
    key=st.sampled_from(["name", "items", "starts_at", "firing_when"]),
)
@example(text="&a", key="items")
def test_any_expression_is_refused_or_does_its_work(text, key):
    try:
        found = GenericMapping.model_validate({"identity": "a", key: text})
    except ValidationError:
        return
    body = b'{"a": {"b": [1, "x"]}, "b": "x"}'
    in_order(parser(found), Post(body, NOW, "generic", {"content-type": "application/json"}))


def write() -> None:
    for case in CASES:
        text = json.dumps(outcome(case), ensure_ascii=False, indent=2)
        case.with_suffix(".result.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    if "--write" not in sys.argv:
        sys.exit(__doc__)
    write()
