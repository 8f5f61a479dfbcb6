"""``tocsin explain``: golden outputs, and what is said of what cannot be explained.

After a change that is meant: ``GOLDEN=write pytest tests/app/cli/test_explain.py``, and read the difference.
"""

import json
import os
from pathlib import Path

import pytest

from app.cli.explain import Report
from tests.app.cli.running import tocsin

GOLDEN = Path(__file__).with_name("golden")
NOON = "2024-01-31T12:00:00Z"

CASES = {
    "life": ("tocsin.yaml", "life.json"),
    "odd": ("tocsin.yaml", "odd.json", "--source", "prom"),
    "push": ("tocsin.yaml", "push.json", "--source", "batch"),
    "partitions": ("partitions.yaml", "push.json"),
    "enriched": ("enriched.yaml", "push.json"),
    "suppressed": ("suppressed.yaml", "push.json"),
    "topology": ("topology.yaml", "topology.json"),
    "json": ("partitions.yaml", "push.json", "--json"),
}


def explain(
    config: str | Path, body: str | Path, *options: str, stdin: bytes | None = None
) -> tuple[int, str, str]:
    where = "-" if body == "-" else GOLDEN / body
    result = tocsin("explain", GOLDEN / config, where, "--at", NOON, *options, stdin=stdin)
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str) -> None:
    code, told, complaints = explain(*CASES[name])
    file = GOLDEN / f"{name}.golden.txt"
    if os.environ.get("GOLDEN") == "write":
        file.write_text(told, "utf-8")

    assert (code, told) == (0, file.read_text("utf-8"))
    assert all(line.startswith("warning: ") for line in complaints.splitlines())


def test_every_golden_output_is_of_a_case() -> None:
    assert {path.name.partition(".")[0] for path in GOLDEN.glob("*.golden.txt")} == CASES.keys()


def test_secrets_are_not_in_it() -> None:
    assert "never-shown" not in str(explain("tocsin.yaml", "life.json", "--json"))


def test_what_could_control_a_terminal_is_shown_instead() -> None:
    _, told, _ = explain("tocsin.yaml", "odd.json")

    assert "\x1b" not in told
    assert "would \\x1b[2J clear" in told
    assert "[bold]markup[/bold]" in told


def test_the_body_may_come_by_stdin() -> None:
    by_stdin = explain("tocsin.yaml", "-", stdin=(GOLDEN / "life.json").read_bytes())

    assert by_stdin == explain("tocsin.yaml", "life.json")


def test_json_names_the_same_steps() -> None:
    _, told, _ = explain("tocsin.yaml", "life.json", "--json")
    report = json.loads(told)

    assert list(report) == list(Report.__struct_fields__)
    assert report["received_at"] == "2024-01-31T12:00:00.000Z"
    verdicts = [
        step["says"] for alert in report["alerts"] for step in alert["steps"] if step["name"] == "verdict"
    ]
    assert verdicts == ["opened", "duplicate", "joined", "resolved", "resolved"]


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    explain("tocsin.yaml", "life.json")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"alerts": [{"labels": {"a": 1}}]}', "stdin: alerts[0].labels.a: expected a string, got a number"),
        (b'{"alerts": \n ]', "stdin:2:2: not JSON: "),
        (b"{}", "stdin: alerts: "),
    ],
)
def test_a_body_that_the_service_would_refuse(body: bytes, said: str) -> None:
    code, told, complaint = explain("tocsin.yaml", "-", stdin=body)

    assert (code, told) == (1, "")
    assert f"tocsin: {said}" in complaint


def test_a_body_without_alerts() -> None:
    code, told, _ = explain("tocsin.yaml", "-", stdin=b'{"alerts": []}')

    assert code == 0
    assert "0 alerts" in told


def test_an_unknown_source_names_the_known() -> None:
    code, _, complaint = explain("tocsin.yaml", "life.json", "--source", "promm")

    assert code == 1
    assert "there is no source 'promm'; known: prom, batch" in complaint


def test_a_body_that_is_not_there() -> None:
    code, _, complaint = explain("tocsin.yaml", "nothing.json")

    assert code == 1
    assert "nothing.json: cannot be read: No such file" in complaint


def test_a_configuration_without_sources(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("")
    code, _, complaint = explain(tmp_path / "empty.yaml", "life.json")

    assert code == 1
    assert "the configuration has no sources; add one" in complaint


def test_a_time_that_is_none() -> None:
    result = tocsin("explain", GOLDEN / "tocsin.yaml", GOLDEN / "life.json", "--at", "noon")

    assert result.exit_code == 2
    assert "'noon' is not a time like" in result.stderr
