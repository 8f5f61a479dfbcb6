"""A running Tocsin answers as its OpenAPI document promises, to requests that are made of it."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from tests.e2e.serve import Tocsin as Deployment
from tests.e2e.serve import eventually, tocsin

CONFIG = """
sources:
  prom: {type: alertmanager}
  any: {type: generic, mapping: {identity: id}}
  pd: {type: pagerduty_events_v2}
  og: {type: opsgenie_alert_api}
destinations:
  noc: {type: memory}
routes: [{id: all, destinations: [noc]}]
"""
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "unsupported_method",
)
EXAMPLES = "2"
WITHIN = 90.0
"""Seconds; it takes about ten."""
IDS = """
[[operations]]
include-path-regex = "^/api/v1/incidents/"
parameters = {{ id = "{incident}" }}
"""


async def _filled(made: Deployment) -> str:
    """Have an incident, and something in quarantine; return the incident's id."""
    labels = {"alertname": "A", "service": "checkout"}
    await made.post([{"status": "firing", "labels": labels}, {"status": "firing", "labels": {"a": 1}}])

    async def first() -> str:
        return str((await made.incidents())[0]["id"])

    return await eventually(first)


async def _run(folder: Path, url: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("schemathesis")), "run", f"{url}/api/openapi.json"),
        *("--checks", ",".join(CHECKS), "--phases", "examples,fuzzing", "--max-examples", EXAMPLES),
        *(
            "--generation-deterministic",
            "--no-shrink",
            "--no-color",
            "--continue-on-failure",
            "--workers",
            "2",
        ),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(WITHIN):
            told, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, told.decode()


async def test_it_answers_as_its_document_says(tmp_path: Path) -> None:
    """No 5xx, and no status, type or shape that is not told of."""
    async with tocsin(tmp_path, CONFIG, {}) as made:
        await made.start()
        (tmp_path / "schemathesis.toml").write_text(IDS.format(incident=await _filled(made)))
        code, told = await _run(tmp_path, made.processes[0].url)
        assert code == 0, told
        assert re.search(r"(\d\d+) selected / \1 total", told)
