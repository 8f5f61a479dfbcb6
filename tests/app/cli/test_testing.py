"""``tocsin test``."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import yaml

from tests.app.cli.running import ROOT, tocsin

STORIES = ROOT / "tests/stories"
RULES = """\
sources: {prom: {type: alertmanager}}
destinations: {desk: {type: memory}}
routes: [{destinations: [desk]}]
"""
TESTS = """\
tests:
  - name: comes true
    input: [{at: 0s, alert: {name: CPU}}]
    expect: [{open: 1}]
  - name: does not
    input: [{at: 0s, alert: {name: CPU}}]
    expect: [{open: 2}]
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A configuration, and tests beside it that name none."""
    (tmp_path / "a.yaml").write_text(TESTS)
    file = tmp_path / "tocsin.yaml"
    file.write_text(RULES)
    return file


def test_what_fails_is_shown_and_counts(rules: Path) -> None:
    result = tocsin("test", rules.parent, "--config", rules)

    assert result.exit_code == 1
    lines = result.stdout.replace(f"{rules.parent}/", "").splitlines()
    assert lines == [
        "ok    a.yaml: comes true (1 alert, 1 incident)",
        "FAIL  a.yaml: does not",
        "      a.yaml:7: counts at 1m",
        "        line  field  expected  found",
        "        7     open   2         1",
        "        - open, 1 alerts, by-service alert=prom/CPU||: CPU",
        "2 tests, 1 failed",
    ]


def test_only_those_that_are_meant_are_run(rules: Path) -> None:
    result = tocsin("test", rules.parent, "--config", rules, "--run", "^comes")

    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "1 test, 0 failed")


def test_none_at_all_is_a_mistake(rules: Path) -> None:
    result = tocsin("test", rules.parent, "--config", rules, "--run", "nothing")

    assert (result.exit_code, result.stderr) == (
        2,
        "tocsin: there are no tests whose name has 'nothing' in it\n",
    )


def test_without_a_configuration_it_cannot_be_run(rules: Path) -> None:
    result = tocsin("test", rules.parent / "a.yaml")

    assert result.exit_code == 2
    assert result.stderr.endswith(
        "a.yaml:1: config: must be given, or --config: the configuration that is tested\n"
    )


def test_junit_has_a_case_a_test(rules: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.xml"

    tocsin("test", rules.parent, "--config", rules, "--junit", file)

    root = ET.parse(file).getroot()
    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    assert [case.get("name") for case in root.iter("testcase")] == ["comes true", "does not"]
    (failure,) = root.iter("failure")
    assert failure.get("message", "").endswith("a.yaml:7: counts at 1m")
    assert "expected" in str(failure.text)


def test_junit_that_cannot_be_written_is_said(rules: Path) -> None:
    result = tocsin("test", rules.parent, "--config", rules, "--junit", rules / "report.xml")

    assert result.exit_code == 2


def test_the_schema_fits_the_stories() -> None:
    schema = json.loads(tocsin("schema", "--tests").stdout)

    jsonschema.Draft202012Validator.check_schema(schema)
    for file in STORIES.glob("*.yaml"):
        story = json.loads(json.dumps(yaml.safe_load(file.read_text()), default=str))
        if "tests" in story:
            jsonschema.validate(story, schema)
