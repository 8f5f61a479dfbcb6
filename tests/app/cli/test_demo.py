"""``tocsin demo``: a true run, ended in every way; and what it says if something does not add up."""

import re
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import psutil
import pytest
from msgspec.structs import replace
from rich.console import Console

from app.cli.demo.books import Books, faults, is_settled
from app.cli.demo.client import Destination, Incident, Stats, Ticket
from app.cli.demo.recording import Recording, moved, read_recording
from app.cli.demo.report import in_order, print_report
from app.cli.demo.run import FOLDER
from ingest.sources import Post, alertmanager
from tests.app.cli.running import ended, started

STORM = FOLDER / "storm.jsonl.gz"
WITHIN = 90.0


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the demo puts its data."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def server_of(demo: int) -> psutil.Process:
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        for child in psutil.Process(demo).children():
            if "serve" in child.cmdline():
                return child
        time.sleep(0.05)
    raise AssertionError("the demo has no server")


def until_it_sends(folder: Path) -> None:
    deadline = time.monotonic() + WITHIN
    while "times as fast" not in (folder / "out").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_it_runs_for_real_and_accounts_for_everything(tmp_path: Path, temporary: Path) -> None:
    with started("demo", "--speed", "500", folder=tmp_path) as process:
        code = ended(process, WITHIN)
    told, complaints = ((tmp_path / name).read_text() for name in ("out", "err"))

    assert (code, complaints) == (0, ""), told
    assert "\x1b" not in told
    accepted, in_flight, settled = map(
        _number, re.findall(r"([\d,]+) (?:accepted|in flight|with an outcome)", told)
    )
    assert (accepted, in_flight, settled) == (2755, 0, 2755)
    outcomes = re.findall(r"^ +([\d,]+) (\w+)$", told, re.MULTILINE)
    assert sum(_number(count) for count, _ in outcomes) == accepted
    assert told.count("✓") == 2
    events, incidents, tickets = map(
        _number, re.findall(r"([\d,]+) (?:events|incidents|tickets)\b", _noise(told))
    )
    assert (events, tickets) == (2755, incidents)
    priorities = re.findall(r"^(P\d)  ", told, re.MULTILINE)
    assert len(priorities) == incidents
    assert priorities == sorted(priorities)
    assert len(set(re.findall(r"TKT-\d+", told))) == incidents
    assert list(temporary.iterdir()) == []


def _noise(told: str) -> str:
    return next(line for line in told.splitlines() if line.startswith("Noise"))


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def test_what_is_in_the_environment_does_not_make_it_use_other_services(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("TOCSIN_BROKER", "amqp://127.0.0.1:9/")
    monkeypatch.setenv("TOCSIN_STORE", "redis://127.0.0.1:9/0")
    with started("demo", "--speed", "5000", "--keep", folder=tmp_path) as process:
        code = ended(process, WITHIN)

    told = (tmp_path / "out").read_text()
    assert code == 0, told + (tmp_path / "err").read_text()
    (kept,) = temporary.iterdir()
    assert f"Kept: {kept}" in told
    assert (kept / "data/tocsin.db").exists()


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name
)
def test_a_signal_ends_it_and_its_server(tmp_path: Path, temporary: Path, number: signal.Signals) -> None:
    with started("demo", "--speed", "1", folder=tmp_path) as process:
        server = server_of(process.pid)
        until_it_sends(tmp_path)
        process.send_signal(number)

        assert ended(process, 30) == 130
    assert not server.is_running()
    assert (tmp_path / "err").read_text() == "Stopped.\n"
    assert list(temporary.iterdir()) == []


def test_a_server_that_dies_is_told_of_with_its_last_words(tmp_path: Path, temporary: Path) -> None:
    with started("demo", "--speed", "1", folder=tmp_path) as process:
        server = server_of(process.pid)
        until_it_sends(tmp_path)
        server.kill()

        assert ended(process, 30) == 1
    said = (tmp_path / "err").read_text()
    assert said.startswith("tocsin: the server ended with -9; the last it said:\n")
    assert '"serving"' in said


@pytest.fixture(scope="module")
def recording() -> Recording:
    return read_recording(STORM)


@pytest.mark.parametrize("start", [datetime(2020, 2, 3, tzinfo=UTC), datetime(2040, 2, 3, tzinfo=UTC)])
@pytest.mark.parametrize("speed", [0.5, 6.0, 1000.0])
def test_the_storm_is_told_as_of_now(recording: Recording, start: datetime, speed: float) -> None:
    """No alert begins after it is told of, and nothing but times is changed."""
    for (at, body), post in zip(moved(recording, start, speed), recording.posts, strict=True):
        assert at == post.at / speed
        document = msgspec.json.decode(body)
        for after, before in zip(document["alerts"], post.body["alerts"], strict=True):
            began = datetime.fromisoformat(after["startsAt"])
            assert start - timedelta(minutes=5) / speed <= began <= start + timedelta(seconds=at + 0.001)
            assert (after["endsAt"][:4] == "0001") is (before["endsAt"][:4] == "0001")
            assert {**after, "startsAt": 0, "endsAt": 0} == {**before, "startsAt": 0, "endsAt": 0}
        assert len(alertmanager.parse(Post(body, 0, "prom")).alerts) == post.alerts


def test_the_same_moment_stays_the_same(recording: Recording) -> None:
    """It orders what is said of one alert, so two must not become of one."""
    pairs = {
        (before["startsAt"], after["startsAt"])
        for (_, body), post in zip(moved(recording, datetime.now(UTC), 6), recording.posts, strict=True)
        for after, before in zip(msgspec.json.decode(body)["alerts"], post.body["alerts"], strict=True)
    }

    assert len(pairs) == len({before for before, _ in pairs})


def incident(number: int = 1, **given: object) -> Incident:
    ticket = Ticket("tickets", f"TKT-{number}", "open", 3)
    whole = Incident(f"i{number}", "open", "Bad", "cart", ["cart"], "P2", "shop", 2, 5, 3, [ticket])
    return replace(whole, **given)


FINE = Books(
    10,
    Stats(10, 0, {"opened": 2, "duplicate": 8}, {"tickets": Destination(0, 0)}),
    [incident(1), incident(2)],
    2,
)


def with_stats(**given: object) -> Books:
    return Books(10, replace(FINE.stats, **given), FINE.incidents, 2)


def with_incident(**given: object) -> Books:
    return Books(10, FINE.stats, [incident(1), incident(2, **given)], 2)


NO_ID = Ticket("tickets", None, "pending", 0)
BAD = {
    "one was lost before it was accepted": (
        with_stats(accepted=9, outcomes={"opened": 9}),
        "10 alerts were posted, but 9",
    ),
    "one has no outcome": (
        with_stats(outcomes={"opened": 9}),
        "10 alerts were accepted, but 0 are in flight and 9",
    ),
    "one has two outcomes": (
        with_stats(outcomes={"opened": 11}),
        "10 alerts were accepted, but 0 are in flight and 11",
    ),
    "one is in flight": (with_stats(in_flight=1, outcomes={"opened": 9}), "1 alerts are still in flight"),
    "a ticket is pending": (with_stats(destinations={"t": Destination(1, 0)}), "t: 1 tickets are pending"),
    "a ticket is parked": (
        with_stats(destinations={"t": Destination(0, 1)}),
        "0 tickets are pending, 1 are parked",
    ),
    "one has no ticket": (with_incident(tickets=[]), "1 incidents have not exactly one ticket: i2"),
    "one has a ticket to come": (
        with_incident(tickets=[NO_ID]),
        "1 incidents have not exactly one ticket: i2",
    ),
    "one has two tickets": (
        with_incident(tickets=[Ticket("a", "A", "open", 3), Ticket("b", "B", "open", 3)]),
        "1 incidents have not exactly one ticket: i2",
    ),
    "two share a ticket": (
        with_incident(tickets=[Ticket("tickets", "TKT-1", "open", 3)]),
        "1 tickets belong to more than one incident: TKT-1",
    ),
    "a ticket shows old news": (with_incident(revision=4), "1 tickets do not show the latest"),
    "a ticket was made twice": (Books(10, FINE.stats, FINE.incidents, 3), "2 incidents had 3 tickets made"),
    "nothing came of it": (Books(10, FINE.stats, [], 0), "there are no incidents"),
}


def test_nothing_is_wrong_with_what_is_fine() -> None:
    assert list(faults(FINE)) == []
    assert FINE.add_up
    assert is_settled(FINE.stats, FINE.incidents)


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_said_and_counts(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    books, said = BAD[case]

    assert any(said in fault for fault in faults(books)), list(faults(books))
    assert print_report(Console(width=140, highlight=False), books) is False
    told = capsys.readouterr().out
    assert "✗" in told
    assert "✓" not in told


@pytest.mark.parametrize("case", ["one is in flight", "a ticket is pending", "a ticket shows old news"])
def test_what_is_under_way_is_waited_for(case: str) -> None:
    books, _ = BAD[case]

    assert not is_settled(books.stats, books.incidents)


def test_what_has_to_be_worked_on_first_comes_first() -> None:
    listed = [
        incident(1, priority="P3"),
        incident(2, priority="P1", state="resolved"),
        incident(3, priority=None),
        incident(4, priority="P1", alerts=5),
        incident(5, priority="P1", alerts=50),
    ]

    assert [each.id for each in in_order(listed)] == ["i5", "i4", "i2", "i1", "i3"]


@pytest.mark.parametrize("width", [72, 80, 140])
def test_the_table_fits_the_terminal(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever has to give way, it is no figure and no ticket."""
    long = incident(
        2,
        title="[P2] " + "all is bad " * 20,
        service="postgres-orders",
        team="data-platform-and-more",
        alerts=123456,
    )
    print_report(Console(width=width, highlight=False), Books(10, FINE.stats, [incident(1), long], 2))

    row = next(line for line in capsys.readouterr().out.splitlines() if "TKT-2" in line)
    assert len(row) <= width
    assert "123,456" in row
