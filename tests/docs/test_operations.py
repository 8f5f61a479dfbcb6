"""docs/operations.md: its statements find what they are for, and its numbers are those of the code."""

import gzip
import json
import sqlite3
from pathlib import Path

import pytest

from adapters.delivery.breaker import FIRST_REST, LONGEST_REST, TRIPS_AT
from adapters.delivery.reconcile import FIRST_PAUSE, LONGEST_PAUSE
from adapters.sqlite import Database
from adapters.stores.redis import pack
from adapters.stores.sqlite import SqliteStore
from app.listener import CLOSING_GRACE
from app.tasks import GRACE
from correlation.decisions import Verdict
from domain.ports import Commit
from ingest.spool import PATIENCE
from tests.docs.pages import ROOT, blocks, commands, page, row_names

PAGE = page("docs/operations.md")
TYPED = [words for block in blocks(PAGE, "sh") for words in commands(block.text)]
QUARANTINED = Commit(lines=[("quarantine", b"an alert and why")])


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    """A folder of data, with something in quarantine."""
    database = await Database.open(tmp_path / "tocsin.db")
    store = SqliteStore(database)
    await store.commit("alerts.0", await store.claim("alerts.0"), QUARANTINED)
    await database.close()
    return tmp_path


def sqlite3_with(word: str) -> str:
    """The statement of the one sqlite3 command that has *word* in it."""
    [statement] = [words[-1] for words in TYPED if words[0] == "sqlite3" and word in words[-1]]
    return statement


def test_the_quarantine_is_found_in_sqlite(data: Path) -> None:
    connection = sqlite3.connect(data / "tocsin.db")
    rows = connection.execute(sqlite3_with("quarantine")).fetchall()
    connection.close()

    assert rows == [("alerts.0", b"an alert and why")]


def test_the_quarantine_is_found_in_redis() -> None:
    [(_, command, key, start, end)] = [words for words in TYPED if words[0] == "redis-cli"]

    assert (command, start, end) == ("LRANGE", "0", "-1")
    assert key in pack("alerts.0", QUARANTINED)[0]


def test_the_backup_is_a_whole_database(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data)
    connection = sqlite3.connect("tocsin.db", isolation_level=None)
    connection.execute(sqlite3_with("VACUUM"))
    connection.close()
    copy = sqlite3.connect("tocsin-backup.db")
    lines = copy.execute("SELECT line FROM lines").fetchall()
    copy.close()

    assert lines == [(b"an alert and why",)]


def test_the_outcomes_are_all_there() -> None:
    outcomes = [name for name in row_names(PAGE, "Metrics") if not name.startswith("tocsin_")]

    assert sorted(outcomes) == sorted(Verdict)


@pytest.mark.parametrize(
    "said",
    [
        f"get up to {CLOSING_GRACE:g} s",
        f"each for up to {GRACE:g} s",
        f"does not answer within {PATIENCE:g} s",
        f"from {FIRST_PAUSE // 1000} s to {LONGEST_PAUSE // 60_000} minutes",
        f"for {FIRST_REST // 1000} s at first and {LONGEST_REST // 1000} s at most",
    ],
)
def test_the_numbers_are_those_of_the_code(said: str) -> None:
    assert said in " ".join(PAGE.read_text().split())


def test_five_failures_open_the_breaker() -> None:
    assert TRIPS_AT == 5
    assert "after five failures in a row" in " ".join(PAGE.read_text().split())


def test_the_storm_is_as_large_as_readme_says() -> None:
    with gzip.open(ROOT / "app/demo/storm.jsonl.gz") as recording:
        head = json.loads(recording.readline())

    assert f"storm of {head['alert_events']:,} alerts" in page("README.md").read_text()
