"""``tocsin fake``, and ``tocsin check --online`` against it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import yaml

from adapters.fakes import FAKES
from adapters.http import Http
from adapters.tickets.pagerduty import PagerDutyConfig
from domain.ports import TicketSystem
from tests.app.cli.running import address, get, started, stop, tocsin
from tests.contracts.tickets import a_ticket


def printed(folder: Path) -> str:
    """The configuration that it prints is itself YAML below a comment."""
    return (folder / "out").read_text().partition("\n# ")[2].partition("\n")[2]


def write_config(folder: Path, *more: str) -> Path:
    destinations = yaml.safe_load(printed(folder))["destinations"]
    for line in more:
        destinations |= yaml.safe_load(line)
    path = folder / "tocsin.yaml"
    path.write_text(yaml.safe_dump({"destinations": destinations}))
    return path


@pytest.mark.parametrize("tool", ["pagerduty", "email"])
def test_what_it_prints_is_a_destination_that_answers(tool: str, tmp_path: Path) -> None:
    with started("fake", tool, "--port", "0", folder=tmp_path) as process:
        page = address(process, tmp_path)
        checked = tocsin("check", write_config(tmp_path), "--online")

        assert get(page) == []
        assert checked.exit_code == 0
        assert checked.stdout.splitlines()[-1] == f"{tool}: OK ({tool})"
        assert stop(process) == 0


def test_its_tickets_can_be_seen(tmp_path: Path) -> None:
    with started("fake", "pagerduty", "--port", "0", folder=tmp_path) as process:
        page = address(process, tmp_path)
        settings = yaml.safe_load(printed(tmp_path))["destinations"]["pagerduty"]

        async def make() -> None:
            http = Http()
            system: TicketSystem = PagerDutyConfig.model_validate(settings).build(http)
            await system.create(a_ticket(title="Störung"))
            await http.close()

        asyncio.run(make())
        (ticket,) = get(page)

    assert ticket["title"] == "Störung"
    assert ticket["is_open"]


def test_each_destination_says_what_is_missing(tmp_path: Path) -> None:
    """All are asked, also after one that fails."""
    with started("fake", "pagerduty", "--port", "0", folder=tmp_path) as process:
        address(process, tmp_path)
        settings = yaml.safe_load(printed(tmp_path))["destinations"]["pagerduty"]
        wrong = yaml.safe_dump({"wrong": {**settings, "token": "another", "priorities": {}}})
        silent = "teams: {type: teams, url: 'http://127.0.0.1:1/?sig=0123456789'}"
        checked = tocsin("check", write_config(tmp_path, wrong, silent), "--online")

    lines = dict(line.split(": ", 1) for line in checked.stdout.splitlines()[-3:])
    assert checked.exit_code == 1
    assert lines["pagerduty"] == "OK (pagerduty)"
    assert lines["teams"] == "OK (teams), but it cannot be asked: only a message would tell"
    assert lines["wrong"].startswith("authentication (pagerduty): ")
    assert "another" not in checked.stdout


def test_a_tool_without_a_stand_in_lists_those_that_have_one() -> None:
    result = tocsin("fake", "nonsense")

    assert result.exit_code == 2
    assert all(name in result.output for name in FAKES)


def test_a_port_that_is_taken_is_told(tmp_path: Path, unused_tcp_port: int) -> None:
    with started("fake", "rt", "--port", str(unused_tcp_port), folder=tmp_path) as process:
        address(process, tmp_path)
        result = tocsin("fake", "rt", "--port", str(unused_tcp_port))

    assert result.exit_code == 1
    assert f"cannot serve on port {unused_tcp_port}" in result.output
