"""The measurement of correlation, on a tiny stream of our own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.correlation.measures import quality
from benchmarks.correlation.run import main
from benchmarks.correlation.streams import Event, laid_over

TOPOLOGY = {
    "nodes": [{"id": "web"}, {"id": "db"}, {"id": "mail"}],
    "edges": [{"source": "web", "target": "db", "label": "control_flow"}],
}


def write(folder: Path, ending: str = ".jsonl") -> None:
    lines = [
        {
            "ts": 1_000 * second,
            "kind": "metric",
            "resource": resource,
            "check": f"check {second}",
            "incident": incident,
        }
        for incident, resource, begin in (("1", "web", 0), ("2", "db", 4_000), ("3", "mail", 9_000))
        for second in range(begin, begin + 6)
    ]
    (folder / f"tiny{ending}").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "tiny.topology.json").write_text(json.dumps(TOPOLOGY))


@pytest.mark.parametrize("ending", [".jsonl", ".alerts.ndjson"])
def test_a_stream_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str], ending: str) -> None:
    """Incidents far apart are told apart; the table has a row for each way of grouping."""
    write(tmp_path, ending)

    main(["--data", str(tmp_path), "--rate", "0.1", "--seed", "1", "--noise", "0"])

    said = capsys.readouterr().out
    assert "tiny, 0.1 incidents an hour:" in said
    assert "| **Tocsin as shipped** | 1.00 | 1.00 | 1.00 | 1.00 |" in said
    assert "| no correlation | 0.00 |" in said


def test_a_folder_without_streams(tmp_path: Path) -> None:
    """It is said what is missing."""
    with pytest.raises(SystemExit, match="holds no stream"):
        main(["--data", str(tmp_path)])


def test_measures() -> None:
    """Worked out by hand: two true incidents of two alerts in one group, and one alert of noise."""
    found = quality(["a", "a", "b", "b", None], ["x", "x", "x", "x", "y"])

    assert (found.precision, found.recall) == (2 / 6, 1.0)
    assert found.bcubed == pytest.approx(2 * 0.5 / 1.5)
    assert (found.reduction, found.over_merged, found.swallowed) == (1 - 2 / 5, 1 / 2, 1 / 2)


def test_laying_over_keeps_each_incident_as_it_went() -> None:
    """Only when it begins is drawn; noise belongs to none."""
    events = [Event(ts, "web", f"{name} {ts}", name) for name in ("a", "b") for ts in (0, 10, 50)]

    mixed = laid_over(events, rate=6, seed=3, noise=0.5)

    for name in ("a", "b"):
        times = [event.ts for event in mixed if event.incident == name]
        assert [time - times[0] for time in times] == [0, 10, 50]
    assert sum(event.incident is None for event in mixed) == 3
