"""A change that is posted is listed, and an incident soon after it shows it, in its ticket too."""

from __future__ import annotations

import json
from pathlib import Path

from adapters.fakes.servicenow import FakeServiceNow
from tests.e2e.alerts import firing
from tests.e2e.desk import Desk
from tests.e2e.serve import TOKEN, eventually, tocsin

MAPPING = {"kind": "change", "identity": "id", "title": "what", "state": "state", "services": "service"}


async def test_an_incident_shows_the_change_that_came_before(tmp_path: Path) -> None:
    """The loss accounting counts the alert, not the change."""
    snow = Desk("snow", FakeServiceNow(), lambda shown: str(shown.fields["correlation_id"]), frozenset())
    await snow.up()
    config = {
        "sources": {
            "prom": {"type": "alertmanager", "auth": {"bearer": TOKEN}},
            "ci": {"type": "generic", "mapping": MAPPING, "auth": {"bearer": TOKEN}},
        },
        "changes": {"suspect_within": "1h"},
        "correlation": {"partitions": 2, "partition_by": ["service"]},
        "routes": [{"destinations": ["snow"]}],
        "destinations": {"snow": snow.settings},
    }
    async with tocsin(tmp_path, json.dumps(config), {}) as served:
        await served.start()
        change = {"id": "42", "what": "checkout v2", "state": "success", "service": "checkout"}
        answer = await served.post_to("ci", change)
        assert (answer.status, answer.json["accepted"], answer.json["changes"]) == (202, 0, 1)

        async def listed() -> None:
            (item,) = (await served.get("/api/v1/changes"))["items"]
            assert (item["id"], item["state"]) == ("ci/42", "succeeded")

        await eventually(listed)
        assert (await served.post([firing("checkout")])).status == 202

        async def suspected() -> None:
            (incident,) = await served.incidents()
            assert [each["change"] for each in incident["suspects"]] == ["ci/42"]
            assert "Suspected change: checkout v2" in snow.shown(incident["id"]).text

        await eventually(suspected)
        stats = await served.stats()
        assert (stats["accepted"], stats["in_flight"], stats["changes"]["succeeded"]) == (1, 0, 1)
    await snow.down()
