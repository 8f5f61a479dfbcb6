"""The configuration is changed under load: nothing is lost, no ticket is made twice, and mistakes change nothing."""

from __future__ import annotations

from tests.chaos.audit import audit
from tests.chaos.load import Load
from tests.e2e.alerts import example, firing
from tests.e2e.conftest import Deploy
from tests.e2e.serve import Tocsin, eventually
from tests.e2e.sink import Sink

BY_SERVICE = "- {id: by-service, by: [service], window: 1h}"


def changed(sink: Sink) -> list[str]:
    """Other rules, other settings of a destination, another source and another destination; then all back."""
    before = example(sink.url, "min_interval: 100ms")
    assert BY_SERVICE in before
    return [
        before.replace(BY_SERVICE, "- {id: by-severity, by: [severity]}"),
        example(sink.url, "min_interval: 50ms, concurrency: 3"),
        f"{before}  spare: {{type: webhook, url: {sink.url}/spare}}\ntemplates: {{title: changed}}\n",
        before,
    ]


async def test_changes_under_load_lose_nothing_and_repeat_nothing(deploy: Deploy, sink: Sink):
    """In the end the books balance, each incident has its one ticket, and each decision names its rules."""
    async with deploy(example(sink.url, "min_interval: 100ms")) as tocsin:
        await tocsin.start()
        load = Load(tocsin.post, seed=1)
        versions: set[str] = set()
        async with load.posting():
            for load.season, config in enumerate(changed(sink)):
                await decided(tocsin, load, 60)
                tocsin.config.write_text(config)
                answers = await tocsin.reload()
                assert {each.status for each in answers} == {200}, answers
                versions |= {each.json["version"] for each in answers}
            await decided(tocsin, load, 60)
        await audit(tocsin, sink, load)
        signed = {
            entry["rules"]
            for incident in await tocsin.incidents(limit="100")
            for entry in await tocsin.timeline(incident["id"])
        }
        logs = [each.log.read_text() for each in tocsin.processes]

    assert len(versions) == 4
    assert versions <= signed
    assert not [log for log in logs if "task_cancelled" in log or "task_failed" in log]


async def test_mistake_changes_nothing_and_is_told(deploy: Deploy, sink: Sink):
    """The answer lists the mistakes, and a metric stays up until a reload succeeds."""
    good = example(sink.url)
    async with deploy(good) as tocsin:
        await tocsin.start()
        before = await tocsin.get("/api/v1/reload")
        tocsin.config.write_text(good.replace("window: 1h", "window: soon"))

        answers = await tocsin.reload()

        assert {each.status for each in answers} == {422}
        mistake = "correlation.groups[0].window: 'soon' is not a length of time"
        assert all(mistake in each.json["mistakes"][0] for each in answers), answers
        assert await tocsin.get("/api/v1/reload") == {
            **before,
            "failed": True,
            "mistakes": answers[0].json["mistakes"],
        }
        assert (await tocsin.post([firing("checkout")])).status == 202
        await opened(tocsin, 1)

        tocsin.config.write_text(good)
        assert {each.status for each in await tocsin.reload()} == {200}
        assert (await tocsin.get("/api/v1/reload"))["failed"] is False


async def test_hangup_takes_up_another_source(deploy: Deploy, sink: Sink):
    """SIGHUP reloads: an address that was unknown takes alerts."""
    one = example(sink.url)
    other = one.replace("sources:\n  prom:", "sources:\n  old:")
    async with deploy(other) as tocsin:
        await tocsin.start()
        assert (await tocsin.post([firing("checkout")])).status == 404
        tocsin.config.write_text(one)
        for each in tocsin.processes:
            each.hang_up()

        async def taken() -> None:
            assert (await tocsin.post([firing("checkout")])).status == 202

        await eventually(taken)
        await opened(tocsin, 1)


async def decided(tocsin: Tocsin, load: Load, more: int) -> None:
    """Wait until so many more alerts were answered, and decided on."""
    enough = load.answered + more
    await load.has_answered(enough)

    async def check() -> None:
        assert sum((await tocsin.stats())["outcomes"].values()) >= enough

    await eventually(check)


async def opened(tocsin: Tocsin, count: int) -> None:
    """Wait until so many incidents are there."""

    async def check() -> None:
        assert len(await tocsin.incidents()) == count

    await eventually(check)
