"""The scripts that we ship for tools which Debian does not have run once, with the interpreter of the tool.

Zabbix has Duktape inside, a Checkmk site its own Python; a shell is a shell.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import dukpy
import pytest
import yaml

from app.tools import handbook
from ingest.sources import TOOLS
from tests.peers import guides
from tests.peers.conftest import Receiver, Serving
from tests.services.server import HOST, free_port

NASTY = "DISK CRITICAL - 2% free on \"/srv/дані\" \\ $HOME `id` 'x'\tend"
AUTH = {"bearer": guides.TOKEN}
ZABBIX_HAS = """
function HttpRequest() { this.headers = []; }
HttpRequest.prototype.addHeader = function (line) { this.headers.push(line); };
HttpRequest.prototype.post = function (url, body) {
  var answer = call_python('post', url, body, this.headers);
  this.status = answer[0];
  return answer[1];
};
HttpRequest.prototype.getStatus = function () { return this.status; };
var Zabbix = { log: function (level, text) { call_python('log', text); } };
(function (value) { %s })(dukpy.value);
"""


async def it_lived(tocsin: Receiver, problem: dict[str, Any]) -> None:
    """See that the recovery met the problem, and that nothing else became of it."""
    resolved = await tocsin.alert("resolved")
    assert resolved["key"] == problem["key"]
    assert (await tocsin.incident("resolved"))["id"] == problem["incident"]
    assert await tocsin.outcomes() == {"opened": 1, "resolved": 1}


async def run(*command: str | Path, env: dict[str, str]) -> tuple[int, str]:
    """Run a script with no more in its environment than it is told; give its exit code and its complaints."""
    process = await asyncio.create_subprocess_exec(
        *command, env={"PATH": os.environ["PATH"], **env}, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    return process.returncode or 0, said.decode()


class TestZabbix:
    """The script in the media type, in Duktape."""

    EVENT = (
        ("EVENT.ID", "4711"),
        ("EVENT.SOURCE", "0"),
        ("EVENT.NAME", NASTY),
        ("EVENT.NSEVERITY", "5"),
        ("EVENT.TIMESTAMP", "1793520000"),
        ("EVENT.TAGSJSON", '[{"tag": "service", "value": "shop"}]'),
        ("HOST.NAME", "db-1"),
        ("TRIGGER.ID", "17"),
    )

    async def test_the_media_type_posts(self, serving: Serving) -> None:
        """All of its parameters arrive; those that Zabbix could not expand count as absent."""
        async with serving({"tool": {"type": "zabbix", "auth": AUTH}}) as tocsin:
            assert await self.send(tocsin, {"EVENT.VALUE": "1"}) == "OK"
            problem = await tocsin.alert("firing")
            recovered = {"EVENT.VALUE": "0", "EVENT.RECOVERY.TIMESTAMP": "1793520600"}
            assert await self.send(tocsin, recovered) == "OK"
            await it_lived(tocsin, problem)
            with pytest.raises(dukpy.JSRuntimeError, match="Not sent to Tocsin: Tocsin answered 401"):
                await self.send(tocsin, {"EVENT.VALUE": "1", "tocsin_header": "Authorization: Bearer other"})
        seen = [problem[name] for name in ("fingerprint", "severity", "service")]
        assert seen == ["event 4711", "critical", "shop"]
        assert problem["name"] == NASTY
        assert problem["labels"]["resource"] == "db-1"

    async def send(self, tocsin: Receiver, event: dict[str, str]) -> Any:
        """Run it as Zabbix does, with the parameters that it has."""
        [file] = handbook.companions(TOOLS["zabbix"])
        [media] = yaml.safe_load(file.read_text("utf-8"))["zabbix_export"]["media_types"]
        parameters = {each["name"]: each["value"] for each in media["parameters"]}
        target = {"tocsin_url": f"{tocsin.url}/ingest/tool", "tocsin_header": guides.AUTH}
        given = parameters | target | dict(self.EVENT) | event
        return await asyncio.to_thread(in_duktape, media["script"], json.dumps(given))


def in_duktape(script: str, value: str) -> Any:
    """Run a script of a media type; give what it returns."""
    engine = dukpy.JSInterpreter()
    engine.export_function("post", _post)
    engine.export_function("log", print)
    return engine.evaljs(ZABBIX_HAS % script, value=value)


def _post(url: str, body: str, headers: list[str]) -> tuple[int, str]:
    pairs = (line.partition(":") for line in headers)
    request = Request(url, body.encode(), {name: value.strip() for name, _, value in pairs})
    try:
        with urlopen(request) as reply:
            return reply.status, reply.read().decode()
    except HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


class TestCheckmk:
    """The notification plugin, with our own Python."""

    async def test_the_plugin_posts(self, serving: Serving, tmp_path: Path) -> None:
        """Variables of the environment arrive; its exit code says whether Checkmk should try again."""
        plugin = guides.install("checkmk", tmp_path)
        async with serving({"tool": {"type": "checkmk", "auth": AUTH}}) as tocsin:
            given = self.service(f"{tocsin.url}/ingest/tool")
            assert await self.call(plugin, given) == (0, "")
            problem = await tocsin.alert("firing")
            over = {"NOTIFY_NOTIFICATIONTYPE": "RECOVERY", "NOTIFY_SERVICESTATE": "OK"}
            assert await self.call(plugin, given | over) == (0, "")
            await it_lived(tocsin, problem)
            refused, _ = await self.call(
                plugin, given | {"NOTIFY_PARAMETER_2": "Authorization: Bearer other"}
            )
        away, _ = await self.call(plugin, self.service(f"http://{HOST}:{free_port()}/ingest/tool"))
        assert (refused, away) == (2, 1)
        seen = [problem[name] for name in ("fingerprint", "severity", "service")]
        assert seen == ["db-1/disk", "critical", "disk"]
        assert "2% free" in problem["summary"]

    @staticmethod
    def service(url: str) -> dict[str, str]:
        """Tell of a service as Checkmk does."""
        return {
            "NOTIFY_PARAMETER_1": url,
            "NOTIFY_PARAMETER_2": guides.AUTH,
            "NOTIFY_PARAMETER_3": "https://checkmk.example/prod",
            "NOTIFY_WHAT": "SERVICE",
            "NOTIFY_NOTIFICATIONTYPE": "PROBLEM",
            "NOTIFY_HOSTNAME": "db-1",
            "NOTIFY_SERVICEDESC": "disk",
            "NOTIFY_SERVICESTATE": "CRITICAL",
            "NOTIFY_SERVICEOUTPUT": NASTY,
            "NOTIFY_MICROTIME": "1793520000000000",
        }

    @staticmethod
    async def call(plugin: Path, env: dict[str, str]) -> tuple[int, str]:
        """Run it."""
        return await run(sys.executable, plugin, env=env)


@pytest.mark.parametrize("kind", ["icinga2", "nagios"])
async def test_the_notification_commands_post(serving: Serving, tmp_path: Path, kind: str) -> None:
    """With whatever shell there is; where Debian has the daemon, test_nagios.py lets that run them."""
    script = guides.install(kind, tmp_path)
    conf = tmp_path / "tocsin_notify.conf"
    async with serving({"tool": {"type": kind, "auth": AUTH}}) as tocsin:
        conf.write_text(guides.blocks(kind, f"{tocsin.url}/ingest/tool")[0])

        async def notify(**fields: str) -> tuple[int, str]:
            given = {"host": "db-1", "service": "disk", **fields}
            if kind == "nagios":
                pairs = [f"{name}={value}" for name, value in given.items()]
                return await run(script, *pairs, env={"TOCSIN_CONF": str(conf)})
            variables = {f"TOCSIN_FIELD_{name}": value for name, value in given.items()}
            return await run(script, env={"TOCSIN_CONF": str(conf), **variables})

        assert await notify(type="PROBLEM", state="CRITICAL", output=f"{NASTY}\nsecond line") == (0, "")
        problem = await tocsin.alert("firing")
        assert await notify(type="RECOVERY", state="OK", output="") == (0, "")
        await it_lived(tocsin, problem)
        conf.write_text(conf.read_text().replace(guides.TOKEN, "another"))
        code, said = await notify(type="PROBLEM", state="CRITICAL", output="x")
    assert code == 22, "curl's own for an answer that is no success"
    assert "401" in said
    assert problem["fingerprint"] == "db-1/disk"
    assert problem["summary"].startswith('db-1/disk is CRITICAL: DISK CRITICAL - 2% free on "/srv/дані" \\')
