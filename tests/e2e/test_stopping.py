"""SIGTERM under load: what is held is settled, and a restart goes on where it stopped."""

from __future__ import annotations

from tests.chaos.audit import audit
from tests.chaos.load import Load
from tests.e2e.alerts import example
from tests.e2e.conftest import Deploy
from tests.e2e.sink import Sink

RESTARTS = 3


async def test_a_stop_under_load_drains_and_a_restart_continues(deploy: Deploy, sink: Sink):
    """Each stop exits with 0, in time, without cancelling anything; in the end the books balance."""
    async with deploy(example(sink.url, "min_interval: 100ms")) as tocsin:
        await tocsin.start()
        load = Load(tocsin.post, seed=1)
        async with load.posting():
            for load.season in range(RESTARTS):
                await load.has_answered(load.answered + 60)
                assert set(await tocsin.term()) == {0}
                await tocsin.start()
        await audit(tocsin, sink, load)
        logs = [each.log.read_text() for each in tocsin.processes]
    assert not [log for log in logs if "task_cancelled" in log or "task_failed" in log]
