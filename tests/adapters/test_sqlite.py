"""The database under the embedded broker and store."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from adapters.sqlite import Database, lanes
from domain.errors import StorageFull, StoreUnavailable


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "tocsin.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    database = await Database.open(path)
    yield database
    await database.close()


async def execute(database: Database, statement: str) -> list[Any]:
    return await database.write(lambda c: c.execute(statement).fetchall(), StoreUnavailable)


def report(producer: str) -> str:
    return f"INSERT INTO reported VALUES ('{producer}', 1)"


async def reported(database: Database) -> int:
    job = "SELECT count(*) FROM reported"
    rows = await database.read(lambda c: c.execute(job).fetchall(), StoreUnavailable)
    return int(rows[0][0])


def overwrite(path: Path, content: bytes, start: int = 0) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("r+b" if path.exists() else "wb") as file:
        file.seek(start)
        file.write(content)


def neighbours(path: Path) -> set[str]:
    return {other.name for other in path.parent.iterdir()}


def is_private(path: Path) -> bool:
    return path.stat().st_mode & 0o077 == 0


async def test_the_file_is_made(database: Database, path: Path) -> None:
    """A data folder that is not there yet is made; the file is WAL, and its owner's alone."""
    assert is_private(path)
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_commits_reach_the_disk(database: Database) -> None:
    """The writer waits for the disk: only then may a sender be told that we have it."""
    assert await execute(database, "PRAGMA synchronous") == [(2,)]


async def test_jobs_share_a_commit(database: Database, path: Path) -> None:
    """Jobs submitted together are written together."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        jobs = [asyncio.create_task(execute(database, report(f"p{n}"))) for n in range(50)]
        await asyncio.sleep(0.1)
        other.execute("COMMIT")
        await jobs[-1]
        assert all(job.done() for job in jobs[1:])


async def test_a_failing_job_fails_alone(database: Database) -> None:
    """What a job raises goes to who submitted it; the jobs beside it are written, of itself nothing is."""

    def fail(connection: sqlite3.Connection) -> None:
        connection.execute(report("failed"))
        raise ZeroDivisionError

    jobs = [execute(database, report(f"p{n}")) for n in range(6)]
    jobs.insert(3, database.write(fail, StoreUnavailable))  # type: ignore[arg-type]
    results = await asyncio.gather(*jobs, return_exceptions=True)
    assert isinstance(results.pop(3), ZeroDivisionError)
    assert results == [[]] * 6
    assert await reported(database) == 6


async def test_a_mistake_of_ours_is_no_unavailable_store(database: Database) -> None:
    """An error that another attempt would meet again is not dressed up as one that passes."""
    await execute(database, report("p"))
    with pytest.raises(sqlite3.IntegrityError):
        await execute(database, report("p"))
    with pytest.raises(OverflowError):
        await database.write(lambda c: c.execute("SELECT ?", (1 << 70,)), StoreUnavailable)


async def test_a_cancelled_job_harms_nobody(database: Database) -> None:
    """Whoever stops waiting does not stop the thread."""
    task = asyncio.create_task(execute(database, report("p")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await execute(database, report("q"))
    assert await reported(database) == 2


async def test_the_loop_goes_on_while_the_file_is_locked(database: Database, path: Path) -> None:
    """Another process that holds the file delays our jobs, not our loop, and reads not at all."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        job = asyncio.create_task(execute(database, report("p")))
        started = time.monotonic()
        await asyncio.sleep(0.1)
        assert await reported(database) == 0
        assert time.monotonic() - started < 2
        assert not job.done()
        other.execute("COMMIT")
        await job


async def test_a_full_disk_says_so(database: Database) -> None:
    """When there is no room nothing of the commit is written, and when there is again, all goes on."""
    await execute(database, "PRAGMA max_page_count = 200")
    big = "INSERT INTO reported VALUES (hex(randomblob(2000000)), 1)"
    with pytest.raises(StorageFull, match=r"tocsin\.db: no room left"):
        await execute(database, big)
    assert await reported(database) == 0
    await execute(database, "PRAGMA max_page_count = 1000000")
    await execute(database, big)
    assert await reported(database) == 1


async def test_a_file_that_is_no_database(path: Path) -> None:
    """Opening anything else names the file and what can be done."""
    overwrite(path, b"These are not the bytes you are looking for. " * 200)
    with pytest.raises(StoreUnavailable, match=r"tocsin\.db is damaged or no database .*backup"):
        await Database.open(path)


async def test_a_damaged_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Damage that is met later, as in a file too large to look through at the start, says the same."""
    database = await Database.open(path)
    await execute(database, "INSERT INTO reported SELECT value, 1 FROM json_each('[1,2,3]')")
    await database.close()
    overwrite(path, b"\xa5" * 100_000, start=4096)
    monkeypatch.setattr("adapters.sqlite.database.is_damaged", lambda *_: "")
    database = await Database.open(path)
    with pytest.raises(StoreUnavailable, match=r"tocsin\.db is damaged"):
        await reported(database)
    with pytest.raises(StoreUnavailable, match=r"tocsin\.db is damaged"):
        await execute(database, report("p"))
    await database.close()


@pytest.mark.parametrize(("version", "whose"), [(99, "a newer"), (1, "an unreleased")])
async def test_a_file_of_another_version_is_refused(path: Path, version: int, whose: str) -> None:
    """A file of a later version is left alone, and so is one from before the first release."""
    database = await Database.open(path)
    await execute(database, f"PRAGMA user_version = {version}")
    await database.close()
    with pytest.raises(StoreUnavailable, match=rf"{whose} Tocsin \(schema {version}, this one knows 2\)"):
        await Database.open(path)


async def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    """A path that cannot be made is named."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="file/tocsin"):
        await Database.open(tmp_path / "file" / "tocsin.db")


async def test_opening_together(path: Path) -> None:
    """Several may come first at the same time."""
    databases = await asyncio.gather(*(Database.open(path) for _ in range(6)))
    await asyncio.gather(*(execute(database, report(f"p{n}")) for n, database in enumerate(databases)))
    assert await reported(databases[0]) == 6
    for database in databases:
        await database.close()


async def test_close_finishes_what_is_in_line(path: Path) -> None:
    """Jobs submitted before close are written, into the one file; later ones are refused."""
    database = await Database.open(path)
    jobs = [asyncio.create_task(execute(database, report(f"p{n}"))) for n in range(300)]
    await asyncio.sleep(0)
    await database.close()
    await asyncio.gather(*jobs)
    assert neighbours(path) == {"tocsin.db", "tocsin.db.lock"}
    with pytest.raises(StoreUnavailable, match="is closed"):
        await execute(database, report("late"))
    await database.close()


async def test_close_is_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that does not answer keeps nobody from ending."""
    monkeypatch.setattr(lanes, "CLOSE_TIMEOUT", 0.1)
    database = await Database.open(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        job = asyncio.create_task(execute(database, report("p")))
        await asyncio.sleep(0.05)
        started = time.monotonic()
        await database.close()
        assert time.monotonic() - started < 2
        other.execute("COMMIT")
        await asyncio.wait([job])
        assert job.exception() is None or isinstance(job.exception(), StoreUnavailable)
