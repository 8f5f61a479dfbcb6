"""``tocsin check`` and ``tocsin schema``."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.app.cli.running import QUICKSTART, tocsin

MISTAKEN = """\
sources:
  prom: {type: alertmanager}
correlations: {}
routes:
  - {destinations: [nok]}
destinations:
  noc: {type: memory, rate: {per_minute: many}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tocsin.yaml"


def test_every_mistake_is_reported_with_its_line(file: Path) -> None:
    file.write_text(MISTAKEN)

    result = tocsin("check", file)

    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        [f"{file}:3", "correlations"],
        [f"{file}:5", "routes[0].destinations[0]"],
        [f"{file}:7", "destinations.noc.rate.per_minute"],
    ]
    assert "did you mean correlation?" in lines[0]
    assert "did you mean noc?" in lines[1]


def test_a_file_that_is_fine_is_one_line() -> None:
    result = tocsin("check", QUICKSTART)

    assert result.exit_code == 0
    assert result.stdout == f"{QUICKSTART}: OK (1 source, 1 group, 3 services, 1 route, 1 destination)\n"


def test_warnings_are_shown_and_no_mistakes(file: Path) -> None:
    file.write_text("sources: {prom: {type: alertmanager}}\n")

    result = tocsin("check", file)

    assert result.exit_code == 0
    warning, fine = result.stdout.splitlines()
    assert warning.startswith(f"warning: {file}:1: destinations: ")
    assert fine.endswith("0 destinations, 1 warning)")


def test_routes_are_counted_at_all_depths(file: Path) -> None:
    file.write_text(
        "destinations: {noc: {type: memory}}\n"
        "routes: [{destinations: [noc], routes: [{match: {a: b}}, {match: {a: c}}]}]\n"
    )

    assert "3 routes" in tocsin("check", file).stdout


def test_a_file_that_is_not_there(file: Path) -> None:
    result = tocsin("check", file)

    assert (result.exit_code, result.stdout) == (1, f"{file}:1: cannot be read: No such file or directory\n")


def test_the_schema_is_one_and_fits_the_example() -> None:
    schema = json.loads(tocsin("schema").stdout)

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(QUICKSTART.read_text()), schema)
