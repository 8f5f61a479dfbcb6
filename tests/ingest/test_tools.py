"""The list of tools leaves nothing out: no module, no guide, no sample."""

from importlib import import_module
from pathlib import Path

import pytest

import ingest.sources
from ingest.sources import ALIASES, TOOLS, Kind, tool_of
from ingest.sources.message import read_message
from ingest.sources.tool import event_ids, message_id
from tests.ingest.messages import GUIDES, SAMPLES

HERE = Path(ingest.sources.__file__).parent
MODULES = {
    path.stem
    for path in HERE.glob("*.py")
    if "\nTITLE" in path.read_text() or "import TITLE" in path.read_text()
}
NEEDS_A_MAPPING = {"generic"}


def test_every_parser_is_listed():
    assert MODULES - ALIASES.keys() == TOOLS.keys()


def test_an_alias_leads_to_a_tool_and_hides_none():
    assert set(ALIASES.values()) <= TOOLS.keys()
    assert not ALIASES.keys() & TOOLS.keys()
    assert tool_of("prometheus") is TOOLS["prometheus_am_api"]
    assert tool_of("nothing") is None


def test_titles_differ():
    assert len({tool.title for tool in TOOLS.values()}) == len(TOOLS)


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_has_a_guide_with_its_address(name):
    assert "{url}" in (GUIDES / f"{name}.md").read_text("utf-8")


@pytest.mark.parametrize("name", TOOLS.keys() - NEEDS_A_MAPPING)
def test_a_tool_has_samples_that_it_accepts(name):
    for path in (SAMPLES / name).glob("*.http"):
        post = read_message(path.read_bytes(), name, 0)
        assert post.method in TOOLS[name].methods
        assert TOOLS[name].accepts(post.headers.get("content-type", ""))
    assert (SAMPLES / name / "firing.http").exists()


def test_guides_and_samples_are_of_tools():
    assert {path.stem for path in GUIDES.glob("*.md")} == TOOLS.keys()
    assert {path.name for path in SAMPLES.iterdir()} <= TOOLS.keys()


def test_the_title_is_that_of_the_module():
    for name in TOOLS:
        assert TOOLS[name].title == import_module(f"ingest.sources.{name}").TITLE


def test_anything_is_more_than_any_kind():
    assert TOOLS["cloudevents"].accepts("application/avro")
    assert not TOOLS["datadog"].accepts("application/avro")
    assert Kind.of("multipart/form-data; boundary=x") is Kind.MULTIPART


def test_deliveries_are_named_by_what_is_in_them():
    def post(body: bytes):
        return read_message(b"POST /ingest/x\n\n" + body, "x", 0)

    assert message_id(post(b'{"MessageId": "m1"}')) == "m1"
    assert event_ids(post(b'{"source": "/a", "id": 7}')) == "/a 7"
    assert event_ids(post(b'{"source": "/a"}')) == event_ids(post(b"[]")) == event_ids(post(b"{")) == ""
