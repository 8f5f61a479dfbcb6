"""What tools tell of changes: deployments, pipelines, and what a mapping finds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from domain.change import ChangeState
from domain.events import ChangesReceived, decode
from ingest.models import AnySource, GenericConfig
from ingest.publisher import Publisher
from ingest.sources import BadBody, Parsed, Post, github, gitlab
from tests.ingest.fakes import FakeBroker

NOON = 1767268800000
SOURCE: TypeAdapter[Any] = TypeAdapter(AnySource)


def posted(body: dict[str, Any], **headers: str) -> Post:
    return Post(json.dumps(body).encode(), NOON, "ci", headers)


def deployment(state: str = "") -> dict[str, Any]:
    """What GitHub sends of one."""
    body: dict[str, Any] = {
        "action": "created",
        "deployment": {
            "id": 42,
            "ref": "v2",
            "environment": "production",
            "created_at": "2026-01-01T11:00:00Z",
            "creator": {"login": "dana"},
        },
        "repository": {"full_name": "acme/checkout", "name": "checkout"},
        "sender": {"login": "bot"},
    }
    if state:
        body["deployment_status"] = {"state": state, "created_at": "2026-01-01T11:05:00Z"}
    return body


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        ("in_progress", ChangeState.STARTED),
        ("success", ChangeState.SUCCEEDED),
        ("failure", ChangeState.FAILED),
    ],
)
def test_github_tells_how_far_a_deployment_is(state: str, wanted: ChangeState) -> None:
    (change,) = github.parse(posted(deployment(state), **{"x-github-event": "deployment_status"})).changes

    assert (change.id, change.state, change.services) == ("ci/acme/checkout/42", wanted, ("checkout",))
    assert (change.environment, change.actor) == ("production", "dana")
    assert (change.ends_at is not None) is wanted.is_over


def test_github_tells_that_a_deployment_begins() -> None:
    parsed = github.parse(posted(deployment(), **{"x-github-event": "deployment"}))

    assert [each.state for each in parsed.changes] == [ChangeState.STARTED]
    assert parsed.nothing == ""


def test_an_inactive_deployment_is_no_change() -> None:
    parsed = github.parse(posted(deployment("inactive"), **{"x-github-event": "deployment_status"}))

    assert (parsed.changes, parsed.nothing) == ([], "not_an_alert")


def test_gitlab_tells_of_deployments_and_pipelines() -> None:
    project = {"path_with_namespace": "acme/checkout", "web_url": "https://gitlab.example/acme/checkout"}
    body = {
        "object_kind": "deployment",
        "status": "running",
        "deployment_id": 15,
        "environment": "staging",
        "status_changed_at": "2026-01-01 11:00:00 +0000",
        "project": project,
        "user": {"username": "dana"},
    }
    (change,) = gitlab.parse(posted(body)).changes
    assert (change.id, change.state) == ("ci/acme/checkout/deployment/15", ChangeState.STARTED)
    pipeline = {"id": 7, "ref": "main", "status": "success", "source": "push"}
    body = {"object_kind": "pipeline", "object_attributes": pipeline, "project": project}
    (change,) = gitlab.parse(posted(body)).changes
    assert (change.kind, change.state, change.services) == ("pipeline", ChangeState.SUCCEEDED, ("checkout",))


def test_a_pipeline_of_a_merge_request_changes_nothing() -> None:
    pipeline = {"id": 7, "ref": "main", "status": "running", "source": "merge_request_event"}
    project = {"path_with_namespace": "acme/checkout"}
    body = {"object_kind": "pipeline", "object_attributes": pipeline, "project": project}

    assert gitlab.parse(posted(body)).changes == []


MAPPING = {
    "kind": "change",
    "identity": "number",
    "title": "short_description",
    "state": "state",
    "services": "business_service",
    "resources": "cmdb_ci",
    "starts_at": "start_date",
    "ends_at": "end_date",
    "states": {"implement": "started", "cancelled": "ignore"},
}


def mapped(body: Any, **changed: Any) -> Parsed:
    source = SOURCE.validate_python({"type": "generic", "mapping": MAPPING | changed})
    assert isinstance(source, GenericConfig)
    return source.tool().read(posted(body))


REQUEST = {
    "number": "CHG1",
    "short_description": "new disks",
    "state": "scheduled",
    "business_service": "checkout",
    "cmdb_ci": ["db-1", "db-2"],
    "start_date": "2026-01-02T12:00:00Z",
    "end_date": "2026-01-02T13:00:00Z",
}


def test_a_mapping_finds_a_planned_change() -> None:
    (change,) = mapped(REQUEST).changes

    assert (change.id, change.title, change.state) == ("ci/CHG1", "new disks", ChangeState.PLANNED)
    assert (change.services, change.resources) == (("checkout",), ("db-1", "db-2"))
    assert change.starts_at > NOON
    assert change.ends_at == change.starts_at + 3_600_000


def test_a_mapping_translates_and_leaves_out() -> None:
    assert [each.state for each in mapped(REQUEST | {"state": "Implement"}).changes] == [ChangeState.STARTED]
    assert mapped(REQUEST | {"state": "cancelled"}).nothing == "not_a_change"


def test_a_list_of_changes_is_read() -> None:
    parsed = mapped({"rows": [REQUEST, REQUEST | {"number": "CHG2"}]}, items="rows")

    assert [each.id for each in parsed.changes] == ["ci/CHG1", "ci/CHG2"]


def test_what_finds_no_identity_or_an_unknown_state_is_refused() -> None:
    with pytest.raises(BadBody, match="finds nothing"):
        mapped(REQUEST | {"number": None})
    with pytest.raises(BadBody, match="not in states"):
        mapped(REQUEST | {"state": "odd"}, default_state=None)


@pytest.mark.parametrize("wrong", [{"severity": "x"}, {"identity": None}, {"states": {"a": "firing"}}])
def test_a_mapping_of_changes_has_its_own_keys(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SOURCE.validate_python({"type": "generic", "mapping": MAPPING | wrong})


async def test_every_partition_is_told_and_no_alert_is_counted() -> None:
    broker = FakeBroker()
    publisher = Publisher(broker, "p", partitions=2, partition=lambda _: 0)
    event = ChangesReceived("1", NOON, list(mapped(REQUEST).changes))
    await publisher.announce(event)

    for box in ("alerts.0", "alerts.1"):
        (message,) = broker.boxes[box]
        assert (decode(message.body), message.alerts) == ([event], 0)
    assert publisher.confirmed == 0
