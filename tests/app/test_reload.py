"""Reloads of a process: what is taken up, what needs a restart, and what starts one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

import pytest

from app import reload
from app.api.metrics import _ConfigCollector
from app.reload import Reloader
from app.service import Role, Service, running
from app.standing import Reloaded
from config.load import load
from config.problems import ConfigError

BASE = """\
sources:
  prom: {type: alertmanager}
destinations:
  noc: {type: memory}
routes:
  - {destinations: [noc]}
"""


class World:
    """A process, and the file that it was started with."""

    def __init__(self, service: Service, file: Path) -> None:
        self.service = service
        self.file = file
        self.today: date | None = None
        self.reloader = Reloader(service, lambda: load(file, {}, self.today))

    async def change(self, text: str) -> Reloaded:
        self.file.write_text(text)
        return await self.reloader.reload("test")


@asynccontextmanager
async def world(folder: Path, text: str = BASE, **roles: Role) -> AsyncIterator[World]:
    file = folder / "tocsin.yaml"
    file.write_text(text)
    async with running(load(file, {}), folder, frozenset(roles.values() or Role)) as service:
        yield World(service, file)


async def test_new_version_is_in_force(tmp_path):
    async with world(tmp_path) as it:
        done = await it.change(BASE + "correlation: {reopen_within: 1m}\n")

        assert done.before != done.version == it.service.settings.version
        assert it.service.settings.correlation.reopen_within == 60_000
        assert it.reloader.standing.version == done.version


async def test_same_text_said_otherwise_has_the_same_version(tmp_path):
    async with world(tmp_path) as it:
        done = await it.change("# a comment\n" + BASE + "correlation: {reopen_within: 30m}\n")

        assert done.before == done.version


async def test_changed_table_is_another_version(tmp_path):
    (tmp_path / "hosts.csv").write_text("host,site\na,fra\n")
    rules = BASE + "enrich: [{id: hosts, lookup: {file: hosts.csv, on: host}}]\n"
    async with world(tmp_path, rules) as it:
        (tmp_path / "hosts.csv").write_text("host,site\na,ams\n")
        done = await it.reloader.reload("test")

        assert done.before != done.version


async def test_what_a_process_is_built_on_stays_and_is_told(tmp_path):
    async with world(tmp_path) as it:
        text = BASE + "correlation: {partitions: 2, partition_by: [site], reopen_within: 1m}\n"

        done = await it.change("broker: amqp://nowhere\nstore: redis://nowhere\n" + text)

        assert done.needs_restart == (
            "broker",
            "store",
            "correlation.partitions",
            "correlation.partition_by",
        )
        settings = it.service.settings
        assert (settings.broker, settings.store, settings.partitions) == (None, None, 1)
        assert settings.correlation.reopen_within == 60_000
        assert (await it.reloader.reload("again")).needs_restart == done.needs_restart


async def test_change_of_identity_is_warned_of(tmp_path):
    async with world(tmp_path) as it:
        done = await it.change(BASE.replace("alertmanager}", "alertmanager, identity: [host]}"))

        assert [each for each in done.warnings if each.startswith("sources.prom.identity: ")]


async def test_destinations_come_and_go_while_the_others_go_on(tmp_path):
    async with world(tmp_path) as it:
        (noc,) = it.service.destinations.shards
        await it.change(BASE.replace("noc: {type: memory}", "noc: {type: memory}\n  spare: {type: memory}"))

        assert [shard.name for shard in it.service.destinations.shards] == ["tickets.noc", "tickets.spare"]
        assert it.service.destinations.shards[0] is noc
        assert it.service.reads.destinations == ("noc", "spare")
        spare = it.service.destinations.shards[1]
        await eventually(lambda: spare.is_worked)

        await it.change(BASE.replace("noc: {type: memory}", "noc: {type: memory, concurrency: 1}"))

        assert [shard.name for shard in it.service.destinations.shards] == ["tickets.noc"]
        assert it.service.destinations.shards[0] is not noc
        assert not noc.is_worked
        assert not spare.is_worked


async def test_source_that_stays_the_same_keeps_what_it_knows(tmp_path):
    async with world(tmp_path) as it:
        assert it.service.ingest is not None
        sources = it.service.ingest._sources
        prom = sources["prom"]

        await it.change(BASE.replace("sources:", "sources:\n  other: {type: alertmanager}"))

        assert (list(sources), sources["prom"]) == (["other", "prom"], prom)
        await it.change(BASE.replace("alertmanager}", "alertmanager, answer_bad: 202}"))
        assert (list(sources), sources["prom"].answer_bad) == (["prom"], 202)


async def test_mistake_changes_nothing_and_shows_in_metrics(tmp_path):
    async with world(tmp_path) as it:
        before = it.service.settings

        with pytest.raises(ConfigError):
            await it.change(BASE + "correlation: {reopen_within: soon}\n")

        assert it.service.settings is before
        assert figures(it)["tocsin_config_reload_failed"] == 1
        await it.change(BASE)
        assert figures(it)["tocsin_config_reload_failed"] == 0
        assert figures(it)["tocsin_config_last_reload_success_timestamp_seconds"] > 1.6e9


async def test_file_that_changes_is_taken_up_where_files_are_watched(tmp_path, monkeypatch):
    monkeypatch.setattr(reload, "LOOK_EVERY", 0.02)
    (tmp_path / "hosts.csv").write_text("host,site\na,fra\n")
    rules = BASE + "enrich: [{id: hosts, lookup: {file: hosts.csv, on: host}}]\n"
    async with world(tmp_path, rules) as it, beside(it.reloader.run(watch=True)):
        version = it.service.settings.version
        await asyncio.sleep(0.1)
        assert it.reloader.standing.version == version
        it.file.write_text("sources: [")
        await eventually(lambda: it.reloader.standing.failed)
        it.file.write_text(rules + "correlation: {reopen_within: 1m}\n")
        await eventually(lambda: it.service.settings.version != version)
        version = it.service.settings.version
        (tmp_path / "hosts.csv").write_text("host,site\na,amsterdam\n")
        await eventually(lambda: it.service.settings.version != version)


async def test_rule_that_expires_is_left_out_by_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(reload, "DAY_EVERY", 0.02)
    text = BASE.replace("{destinations: [noc]}", "{id: a, destinations: [noc], expires: 2099-01-31}")
    async with world(tmp_path, text) as it, beside(it.reloader.run(watch=False)):
        await asyncio.sleep(0.1)
        assert [route.id for route in it.service.settings.routing.routes] == ["a"]
        it.today = date(2099, 2, 1)
        monkeypatch.setattr(reload, "_today", lambda: it.today)

        await eventually(lambda: not it.service.settings.routing.routes)


def figures(it: World) -> dict[str, float]:
    found = _ConfigCollector(lambda: it.reloader.standing).collect()
    return {sample.name: sample.value for metric in found for sample in metric.samples}


@asynccontextmanager
async def beside(work) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def eventually(check: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not check():  # noqa: ASYNC110 - files and tasks of others set no event
            await asyncio.sleep(0.01)
