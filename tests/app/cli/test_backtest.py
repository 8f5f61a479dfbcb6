"""``tocsin backtest``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from adapters.brokers.sqlite import SqliteBroker
from adapters.sqlite import Database
from domain.alert import Alert
from domain.events import AlertsReceived, encode
from domain.ports import Message, alerts_mailbox
from tests.app.cli.running import tocsin
from tests.builders import NOON, SECOND, firing

RULES = """\
sources: {prom: {type: alertmanager}}
correlation: {groups: [{id: all, by: [GROUP]}]}
services: {checkout: {criticality: CRITICALITY}}
destinations: {desk: {type: memory}}
routes: [{id: all, destinations: [desk]}]
"""
ALERTS = [firing("CPU"), firing("Disk"), firing("CPU")]


def rules(file: Path, *, group: str = "alertname", criticality: str = "high") -> Path:
    """Write a configuration."""
    file.write_text(RULES.replace("GROUP", group).replace("CRITICALITY", criticality))
    return file


@pytest.fixture
def today(tmp_path: Path) -> Path:
    """Today's rules."""
    return rules(tmp_path / "today.yaml")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of `tocsin serve --data`, with a journal."""
    asyncio.run(journalled(tmp_path / "tocsin.db", ALERTS))
    return tmp_path


async def journalled(file: Path, alerts: list[Alert]) -> None:
    """Put alerts into the journal, one a second."""
    database = await Database.open(file)
    broker = SqliteBroker(database)
    for number, alert in enumerate(alerts):
        event = AlertsReceived("r", NOON + number * SECOND, [alert])
        await broker.publish(alerts_mailbox(0), [Message("p", number + 1, encode([event]), 1)])
    await broker.close()
    await database.close()


def test_it_shows_both_sides_and_what_differs(today: Path, data: Path) -> None:
    new = rules(data / "new.yaml", group="service")

    result = tocsin("backtest", "--config", new, "--against", today, data)

    assert (result.exit_code, result.stderr) == (0, "")
    lines = [line.rstrip() for line in result.stdout.splitlines()]
    assert lines == [
        "3 alerts from 2024-01-01T12:00:00.000Z to 2024-01-01T12:00:02.000Z",
        "                  before  after",
        "incidents              2      1  -1",
        "  P1                   2      1  -1",
        "tickets in desk        2      1  -1",
        "alerts duplicate       1      1",
        "alerts joined          0      1  +1",
        "alerts opened          2      1  -1",
        "noise reduction    33.3%  66.7%",
        "",
        "Merged (1)",
        "  2 → 1: 2024-01-01T12:00:00 [P1] CPU is bad (all service=checkout, 2 alerts)",
        "",
        "0 incidents of 1 as before",
    ]


@pytest.mark.parametrize(
    ("what", "criticality", "code"),
    [("p1-missed", "high", 0), ("p1-missed", "low", 1), ("change", "high", 0), ("change", "low", 1)],
)
def test_it_fails_on_what_it_is_told_to(
    today: Path, data: Path, what: str, criticality: str, code: int
) -> None:
    new = rules(data / "new.yaml", criticality=criticality)

    assert tocsin("backtest", "--config", new, "--against", today, data, "--fail-on", what).exit_code == code


def test_json_holds_all_of_it(today: Path, data: Path) -> None:
    new = rules(data / "new.yaml", group="service", criticality="low")

    found = json.loads(
        tocsin("backtest", "--config", new, "--against", today, data / "tocsin.db", "--json").stdout
    )

    assert found["alerts"] == 3
    assert {kind: len(changes) for kind, changes in found["incidents"].items()} == {
        "added": 0,
        "removed": 0,
        "merged": 1,
        "split": 0,
        "regrouped": 0,
    }
    assert found["tickets"] == {"added": {}, "removed": {"desk": 1}}
    assert [each["title"] for each in found["p1_missed"]] == ["CPU is bad", "Disk is bad"]
    assert found["priority_changes"][0]["after"][0]["priority"] == "P3"


def test_it_is_the_same_each_time(today: Path, data: Path) -> None:
    new = rules(data / "new.yaml", group="service")
    arguments = ("backtest", "--config", new, "--against", today, data, "--json")

    assert tocsin(*arguments).stdout == tocsin(*arguments).stdout


def test_without_todays_rules_only_the_new_ones_are_told_of(today: Path, data: Path) -> None:
    lines = tocsin("backtest", "--config", today, data).stdout.splitlines()

    assert lines[2].split() == ["incidents", "2"]
    assert not any("as before" in line for line in lines)


def test_where_nothing_was_recorded_it_says_so(today: Path, tmp_path: Path) -> None:
    for place, said in ((tmp_path, "has no journal"), (tmp_path / "none", "there is no such file or folder")):
        result = tocsin("backtest", "--config", today, place)

        assert result.exit_code == 2
        assert said in result.stderr


def test_mistakes_in_a_configuration_are_told(data: Path) -> None:
    (data / "new.yaml").write_text("source: {}\n")

    result = tocsin("backtest", "--config", data / "new.yaml", data)

    assert result.exit_code == 2
    assert result.stderr.startswith(f"{data}/new.yaml:1: source: unknown key")
