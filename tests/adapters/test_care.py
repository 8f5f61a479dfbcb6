"""Looking after the file of an embedded Tocsin."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.sqlite import Database
from adapters.sqlite.care import InUse, NotWhole, copy, faults, put_in_place
from adapters.sqlite.filelock import FileLock
from adapters.stores.sqlite import SqliteStore
from domain.errors import StoreUnavailable
from domain.ports import Commit
from tests.app.cli.running import tocsin

SHARD = "alerts.0"


async def made(path: Path, records: int = 2_000) -> Path:
    """Make a file with something in it."""
    database = await Database.open(path)
    store = SqliteStore(database)
    epoch = await store.claim(SHARD)
    await store.commit(SHARD, epoch, Commit(records={f"incident:{n}": b"x" * 500 for n in range(records)}))
    await database.close()
    return path


async def held(path: Path) -> list[bytes | None]:
    """Read what is in it."""
    database = await Database.open(path)
    found = await SqliteStore(database).load(SHARD, ["incident:0", "incident:1999", "incident:2000"])
    await database.close()
    return found


def spoil(path: Path) -> None:
    """Write over the middle of the file, as a failing disk does."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xa5" * 16_384)


def left_over(folder: Path) -> list[Path]:
    return list(folder.glob("*.restoring"))


def quietly(done: int, total: int) -> None:
    assert 0 <= done <= total


async def test_a_copy_is_whole_private_and_can_be_put_back(tmp_path: Path) -> None:
    """What was there is kept beside it."""
    path = await made(tmp_path / "tocsin.db")
    copy(path, tmp_path / "copy.db", quietly)
    assert faults(tmp_path / "copy.db") == []
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
    spoil(path)

    kept = put_in_place(tmp_path / "copy.db", path, "replaced-1", quietly)

    assert kept == tmp_path / "tocsin.db.replaced-1"
    assert kept.exists()
    assert await held(path) == [b"x" * 500, b"x" * 500, None]


async def test_a_copy_may_be_made_while_others_write(tmp_path: Path) -> None:
    """What is committed and not yet moved into the file is copied, too."""
    path = await made(tmp_path / "tocsin.db", records=10)
    database = await Database.open(path)
    store = SqliteStore(database)
    await store.commit(SHARD, await store.claim(SHARD), Commit(records={"incident:0": b"fresh"}))

    copy(path, tmp_path / "copy.db", quietly)
    await database.close()

    assert (await held(tmp_path / "copy.db"))[0] == b"fresh"


async def test_damage_is_found(tmp_path: Path) -> None:
    """By the check, by a copy, which then is not there, and by the next start."""
    path = await made(tmp_path / "tocsin.db")
    spoil(path)

    assert faults(path) != []
    with pytest.raises(NotWhole):
        copy(path, tmp_path / "copy.db", quietly)
    assert not (tmp_path / "copy.db").exists()
    with pytest.raises(StoreUnavailable, match="tocsin db restore"):
        await Database.open(path)


async def test_nothing_is_put_in_the_place_of_what_is_used(tmp_path: Path) -> None:
    path = await made(tmp_path / "tocsin.db")
    copy(path, tmp_path / "copy.db", quietly)
    database = await Database.open(path)
    try:
        lock = FileLock(tmp_path / "tocsin.db.mailbox-1.lock")
        lock.acquire()
        with pytest.raises(InUse, match="stop it first"):
            put_in_place(tmp_path / "copy.db", path, "replaced-1", quietly)
        lock.close()
    finally:
        await database.close()


@pytest.mark.parametrize("spoiled", [spoil, lambda path: path.write_bytes(b"no database" * 1_000)])
async def test_a_bad_backup_changes_nothing(tmp_path: Path, spoiled: Callable[[Path], None]) -> None:
    path = await made(tmp_path / "tocsin.db")
    copy(path, tmp_path / "copy.db", quietly)
    spoiled(tmp_path / "copy.db")

    with pytest.raises(NotWhole):
        put_in_place(tmp_path / "copy.db", path, "replaced-1", quietly)

    assert await held(path) == [b"x" * 500, b"x" * 500, None]
    assert left_over(tmp_path) == []


def test_another_programs_database_is_no_backup(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE t (a)")
    connection.close()

    with pytest.raises(NotWhole, match="not Tocsin's"):
        put_in_place(other, tmp_path / "tocsin.db", "replaced-1", quietly)


async def test_nothing_is_written_over(tmp_path: Path) -> None:
    path = await made(tmp_path / "tocsin.db", records=1)
    (tmp_path / "copy.db").write_text("mine")

    with pytest.raises(StoreUnavailable, match="is there already"):
        copy(path, tmp_path / "copy.db", quietly)

    assert (tmp_path / "copy.db").read_text() == "mine"


async def test_the_commands(tmp_path: Path) -> None:
    """Check, back up, spoil, check, restore, check."""
    path = await made(tmp_path / "tocsin.db")
    data = ("--data", tmp_path)
    assert tocsin("db", "check", *data).exit_code == 0
    assert "is a whole copy" in tocsin("db", "backup", tmp_path / "copy.db", *data).stdout
    spoil(path)
    checked = tocsin("db", "check", *data)
    assert (checked.exit_code, "tocsin db restore FILE" in checked.stderr) == (1, True)
    restored = tocsin("db", "restore", tmp_path / "copy.db", *data)
    assert (restored.exit_code, "what was there is now" in restored.stdout) == (0, True)
    assert tocsin("db", "check", *data).exit_code == 0


def test_there_is_no_file(tmp_path: Path) -> None:
    said = tocsin("db", "check", "--data", tmp_path)

    assert (said.exit_code, said.stderr) == (1, f"tocsin: there is no file {tmp_path / 'tocsin.db'}\n")
