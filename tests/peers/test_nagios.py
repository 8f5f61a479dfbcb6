"""A real Icinga 2 and a real Nagios 4, configured by pasting our guides, run the commands that we ship."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.peers import guides
from tests.peers.conftest import Receiver, Serving, running
from tests.services import icinga2
from tests.services.icinga2 import Icinga2
from tests.services.nagios import Nagios

pytestmark = pytest.mark.services

SUBSCRIBED_WITHIN = 0.5
PATIENCE = 8.0
"""Icinga 2.13 forgets now and then to wake who reads its stream, for five seconds."""
OUTPUT = "DISK CRITICAL - 2% free on /srv/дані"


def source(kind: str) -> dict[str, Any]:
    """Configure the source."""
    return {"tool": {"type": kind, "auth": {"bearer": guides.TOKEN}}}


def the_problem(alert: dict[str, Any], output: str = OUTPUT) -> None:
    """See that all is told."""
    assert alert["fingerprint"] == "db-1/disk"
    assert (alert["severity"], alert["service"], alert["labels"]["resource"]) == ("critical", "disk", "db-1")
    assert alert["summary"] == f"db-1/disk is CRITICAL: {output}"


async def its_end(tocsin: Receiver, problem: dict[str, Any]) -> None:
    """See that the recovery met the problem, and that the acknowledgement was heard before."""
    resolved = await tocsin.alert("resolved")
    assert resolved["key"] == problem["key"]
    assert (await tocsin.incident("resolved"))["id"] == problem["incident"]
    counts = await tocsin.outcomes()
    counts.pop("stray_resolve", 0)  # of a stream whose reader came just then
    assert counts == {"opened": 1, "acknowledged": 1, "resolved": 1}


if icinga2.is_expected():

    async def test_icinga_runs_our_command(serving: Serving, tmp_path: Path) -> None:
        """Problem, acknowledgement and recovery come, whatever characters the plugin writes."""
        said = OUTPUT + " \"quoted\" \\ $HOME `id` 'x'"
        async with serving(source("icinga2")) as tocsin:
            conf, objects = guides.blocks("icinga2", f"{tocsin.url}/ingest/tool")
            (tmp_path / "tocsin_notify.conf").write_text(conf)
            guides.install("icinga2", tmp_path / "icinga/etc/scripts")
            env = {"TOCSIN_CONF": str(tmp_path / "tocsin_notify.conf")}
            with running(Icinga2(tmp_path / "icinga", objects, env)) as icinga:
                await icinga.act("process-check-result", exit_status=2, plugin_output=said)
                problem = await tocsin.alert("firing")
                await icinga.act("acknowledge-problem", author="Ada", comment="on it", notify=True)
                await tocsin.heard("acknowledged")
                await icinga.act("process-check-result", exit_status=0, plugin_output="DISK OK")
                await its_end(tocsin, problem)
        the_problem(problem, said)
        assert problem["name"] == "Disk of the database"
        assert problem["labels"]["address"] == "192.0.2.7"

    async def test_icinga_streams_its_events(serving: Serving, tmp_path: Path) -> None:
        """The shell loop of the guide forwards the event stream."""
        async with serving(source("icinga2_stream")) as tocsin:
            user, loop = guides.blocks("icinga2_stream", f"{tocsin.url}/ingest/tool")
            with running(Icinga2(tmp_path / "icinga", user)) as icinga:
                theirs = {
                    "https://icinga.example.com:5665": icinga.url,
                    "/var/lib/icinga2/certs/ca.crt": str(icinga.ca),
                }
                for example, real in theirs.items():
                    assert example in loop
                    loop = loop.replace(example, real)
                reader = await asyncio.create_subprocess_exec("sh", "-c", loop, start_new_session=True)
                try:
                    problem = await told_to_a_reader(icinga, tocsin)
                    await icinga.act("acknowledge-problem", author="Ada", comment="on it")
                    await tocsin.heard("acknowledged")
                    await icinga.act("process-check-result", exit_status=0, plugin_output="DISK OK")
                    await its_end(tocsin, problem)
                finally:
                    icinga.kill9()
                    await reader.wait()
        the_problem(problem)

    async def test_nagios_runs_our_command(serving: Serving, tmp_path: Path) -> None:
        """Problem, acknowledgement and recovery come."""
        async with serving(source("nagios")) as tocsin:
            conf, objects = guides.blocks("nagios", f"{tocsin.url}/ingest/tool")
            (tmp_path / "tocsin_notify.conf").write_text(conf)
            script = guides.install("nagios", tmp_path)
            assert "/usr/local/bin/nagios_notify.sh" in objects
            objects = objects.replace("/usr/local/bin/nagios_notify.sh", str(script))
            env = {"TOCSIN_CONF": str(tmp_path / "tocsin_notify.conf")}
            with running(Nagios(tmp_path / "nagios", objects, env)) as nagios:
                nagios.act("PROCESS_SERVICE_CHECK_RESULT", "2", f"{OUTPUT}|free=2%")
                problem = await tocsin.alert("firing")
                nagios.act("ACKNOWLEDGE_SVC_PROBLEM", "1", "1", "0", "Ada", "on it")
                await tocsin.heard("acknowledged")
                nagios.act("PROCESS_SERVICE_CHECK_RESULT", "0", "DISK OK")
                await its_end(tocsin, problem)
        the_problem(problem)


async def told_to_a_reader(icinga: Icinga2, tocsin: Receiver) -> dict[str, Any]:
    """Break it until the reader hears of it: when it begins to read cannot be seen from outside."""
    await asyncio.sleep(SUBSCRIBED_WITHIN)
    while True:
        await icinga.act("process-check-result", exit_status=2, plugin_output=OUTPUT)
        try:
            return await tocsin.alert("firing", within=PATIENCE)
        except AssertionError:
            await icinga.act("process-check-result", exit_status=0, plugin_output="DISK OK")
