"""Tables that rules look things up in: read with the configuration, checked like it."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from config.load import load
from config.problems import ConfigError
from correlation.enrichment import enriched
from tests.builders import firing

CSV = "host,site,service\ndb1,fra,cart\ndb2, ams,\n"


def added(
    folder: Path, lookup: str, table: str = CSV, file: str = "hosts.csv", **labels: str
) -> dict[str, str]:
    """What a rule with *lookup* adds to an alert with *labels*."""
    (folder / file).write_text(table, "utf-8")
    config = folder / "tocsin.yaml"
    config.write_text(f"enrich: [{{id: hosts, lookup: {{file: {file}, {lookup}}}}}]", "utf-8")
    rules = load(config, {}).correlation.enrich
    alert = replace(firing(), labels=labels, service="")
    return {name: value for name, value in enriched(alert, rules).labels.items() if name not in labels}


def complaint(folder: Path, lookup: str, table: str = CSV, file: str = "hosts.csv") -> str:
    with pytest.raises(ConfigError) as caught:
        added(folder, lookup, table, file)
    (problem,) = caught.value.problems
    assert (problem.line, problem.path) == (1, "enrich[0].lookup.file")
    return problem.message


def test_all_other_columns_are_taken(tmp_path):
    assert added(tmp_path, "on: host", host="db1") == {"site": "fra", "service": "cart"}
    assert added(tmp_path, "on: host", host="db2") == {"site": "ams"}
    assert added(tmp_path, "on: host", host="db3") == {}


def test_columns_and_labels_may_be_called_differently(tmp_path):
    assert added(tmp_path, "on: {host: instance}, add: {location: site}", instance="db1") == {
        "location": "fra"
    }


def test_several_columns_make_the_key(tmp_path):
    assert added(tmp_path, "on: [host, site]", host="db1", site="fra") == {"service": "cart"}
    assert added(tmp_path, "on: [host, site]", host="db1", site="ams") == {}


@pytest.mark.parametrize(
    "table",
    ["db1: {site: fra}\ndb2: {site: no}\n", "- {host: db1, site: fra}\n- {host: db2, site: no}\n"],
)
def test_yaml_is_a_list_or_a_mapping_and_text_stays_text(tmp_path, table):
    assert added(tmp_path, "on: host", table, "hosts.yaml", host="db1") == {"site": "fra"}
    assert added(tmp_path, "on: host", table, "hosts.yaml", host="db2") == {"site": "no"}


@pytest.mark.parametrize(
    ("lookup", "table", "said"),
    [
        ("on: hots", CSV, "hosts.csv has no column 'hots' (did you mean host?)"),
        ("on: host, add: [floor]", CSV, "hosts.csv has no column 'floor'; known: host, site, service"),
        ("on: site", "host,site\na,fra\nb,fra\n", "hosts.csv:3: fra is in line 2 already"),
        ("on: host", "host,site\na,fra,x\n", "hosts.csv:2: has not as many values as there are columns (2)"),
        ("on: host", "host,site\na\n", "hosts.csv:2: has not as many values as there are columns (2)"),
        ("on: host", "host,host\n", "hosts.csv:1: the first line must name the columns, each once"),
        ("on: host", "", "hosts.csv:1: the first line must name the columns, each once"),
        ("on: host", 'host\n"a" b\n', "hosts.csv:2: not CSV: ',' expected after '\"'"),
    ],
)
def test_wrong_table_is_told_with_its_line(tmp_path, lookup, table, said):
    assert complaint(tmp_path, lookup, table) == said


@pytest.mark.parametrize(
    ("lookup", "table", "said"),
    [
        ("on: host", "db1: fra\n", "hosts.yaml:1: should be a mapping of column to value"),
        ("on: host", "db1: {site: [fra]}\n", "hosts.yaml:1: site should be text"),
        ("on: [host, site]", "db1: {}\n", "hosts.yaml:1: must be a list of mappings"),
        ("on: host", "a: {b\n", "hosts.yaml:2: not YAML: expected ',' or '}'"),
        ("on: host", "a: {b: 1}\na: {b: 2}\n", "hosts.yaml:2: is given twice; it is in line 1 already"),
    ],
)  # fmt: skip
def test_wrong_yaml_is_told_with_its_line(tmp_path, lookup, table, said):
    assert complaint(tmp_path, lookup, table, "hosts.yaml").startswith(said[:40])


def test_table_that_is_not_there(tmp_path):
    config = tmp_path / "tocsin.yaml"
    config.write_text("enrich: [{id: hosts, lookup: {file: no.csv, on: host}}]", "utf-8")

    with pytest.raises(ConfigError, match=r"cannot read no\.csv: No such file or directory"):
        load(config, {})
