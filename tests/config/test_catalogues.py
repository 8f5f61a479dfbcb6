"""Services from Backstage and from a CMDB's CSV, and what is said of files that are no such thing."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.catalogue_models import CsvConfig
from config.catalogues import BadCatalogue, from_backstage, from_csv
from config.load import parse
from config.problems import ConfigError
from config.settings import Settings
from correlation.enrichment import enriched
from routing.catalogue import Catalogue, Criticality, Service
from tests.app.cli.running import tocsin
from tests.builders import firing

BACKSTAGE = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: checkout
  annotations:
    tocsin/criticality: critical
    tocsin/cis: web-1, web-2
spec:
  type: service
  lifecycle: production
  owner: group:default/payments
  dependsOn: [resource:default/orders-db, component:mailer]
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: {name: orders-db}
spec: {type: database, owner: dba}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: payments}
spec: {type: team}
"""
CMDB = """\
Name;Business Service;Tier;Support Group;Location
web-1;Shop;1 - most critical;shop;Berlin
web-2;Shop;;;Munich
spare;;;;
mail-1;Mail;medium;office;Berlin
"""
COLUMNS = {
    "service": "Business Service",
    "cis": "Name",
    "criticality": "Tier",
    "team": "Support Group",
    "sites": "Location",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "catalog-info.yaml").write_text(BACKSTAGE)
    (tmp_path / "cmdb.csv").write_text(CMDB)
    return tmp_path


def csv_config(**others) -> CsvConfig:
    given = {"file": "cmdb.csv", "columns": COLUMNS, "delimiter": ";"}
    return CsvConfig.model_validate({**given, "criticalities": {"1 - most critical": "critical"}, **others})


def settings(text: str, folder: Path) -> Settings:
    return parse(dedent(text), "tocsin.yaml", {}, folder)


def test_backstage(folder: Path) -> None:
    """Owner, dependencies and annotations of several documents; a group is no service."""
    assert from_backstage("catalog-info.yaml", folder) == {
        "checkout": {
            "team": "payments",
            "depends_on": ["orders-db", "mailer"],
            "criticality": "critical",
            "cis": ["web-1", "web-2"],
        },
        "orders-db": {"team": "dba"},
    }


def test_a_cmdb_with_a_row_for_each_ci(folder: Path) -> None:
    """Rows of one service add up; one without a service is left out."""
    assert from_csv(csv_config(), folder) == {
        "Shop": {
            "team": "shop",
            "criticality": "critical",
            "cis": ["web-1", "web-2"],
            "sites": ["Berlin", "Munich"],
        },
        "Mail": {"team": "office", "criticality": "medium", "cis": ["mail-1"], "sites": ["Berlin"]},
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"columns": {"service": "Unit"}}, "cmdb.csv:1: there is no column 'Unit'; there are Name, "),
        ({"criticalities": {}}, "cmdb.csv:2: '1 - most critical' is no criticality; say in criticalities"),
        ({"file": "gone.csv"}, "cannot read gone.csv: No such file or directory"),
        ({"delimiter": ","}, "cmdb.csv:1: there is no column 'Business Service'; there are Name;Business"),
    ],
)
def test_a_table_that_is_not_as_told(folder: Path, changes: dict[str, object], said: str) -> None:
    """What is wrong is said with file and line."""
    with pytest.raises(BadCatalogue) as raised:
        from_csv(csv_config(**changes), folder)

    assert str(raised.value).startswith(said)


def test_the_configuration_goes_before_what_is_imported(folder: Path) -> None:
    """Imported services join those written down; an unknown dependency is left out, a written service stays."""
    found = settings(
        """\
        services:
          checkout: {team: shop}
        catalog:
          backstage: [catalog-info.yaml]
          csv:
            - file: cmdb.csv
              delimiter: ";"
              columns: {service: Business Service, cis: Name}
        """,
        folder,
    )

    services = found.routing.services
    assert services["checkout"] == Service("checkout", team="shop")
    assert (services["orders-db"].team, services["Shop"].cis) == ("dba", ("web-1", "web-2"))
    assert {path.name for path in found.files} == {"catalog-info.yaml", "cmdb.csv"}


def test_what_cannot_be_imported_is_a_mistake_of_the_configuration(folder: Path) -> None:
    """All of it is said at once, and at its place."""
    (folder / "broken.yaml").write_text("kind: Component\nmetadata: {name: [\n")
    (folder / "list.yaml").write_text("- a\n")
    with pytest.raises(ConfigError) as raised:
        settings(
            """\
            catalog:
              backstage: [gone.yaml, broken.yaml, list.yaml]
              csv:
                - {file: cmdb.csv}
            """,
            folder,
        )

    said = "\n".join(map(str, raised.value.problems))
    assert "tocsin.yaml:2: catalog.backstage[0]: cannot read gone.yaml: No such file or directory" in said
    assert "catalog.backstage[1]: broken.yaml:3: " in said
    assert (
        "catalog.backstage[2]: list.yaml: is no list of entities: each needs a kind, like Component" in said
    )
    assert "catalog.csv[0]: cmdb.csv:1: there is no column 'service'" in said


def test_an_alert_gets_the_service_of_its_ci(folder: Path) -> None:
    """By name or pattern, with or without a port, in any case; one that names a service keeps it."""
    rules = settings(
        "services: {shop: {cis: [web-1, 'db-*']}, db: {cis: [db-9]}}\nsources: {prom: {type: alertmanager}}",
        folder,
    ).correlation.enrich

    def service(**labels: str) -> str:
        return enriched(firing(service="", labels=labels), rules).service

    assert service(instance="WEB-1:9100") == "shop"
    assert service(host="db-3") == "shop"
    assert service(host="db-9") == "db"
    assert service(host="mail-1") == ""
    assert enriched(firing(service="cart", labels={"host": "web-1"}), rules).service == "cart"


def test_import_prints_services(folder: Path) -> None:
    """What it prints can be put into the configuration."""
    printed = tocsin("catalog", "import", "--backstage", folder / "catalog-info.yaml")

    assert printed.exit_code == 0
    assert settings(printed.stdout, folder).routing.services["checkout"].criticality is Criticality.CRITICAL


def test_import_says_what_is_wrong(folder: Path) -> None:
    """A file that is not there ends it, with the reason."""
    printed = tocsin("catalog", "import", "--csv", folder / "gone.csv")

    assert printed.exit_code == 1
    assert "No such file" in printed.stderr


NAMES = st.text("ab-*?.1", min_size=1, max_size=6)


@given(st.dictionaries(st.sampled_from("xyz"), st.lists(NAMES, max_size=4)), NAMES)
def test_a_name_goes_before_a_pattern_and_the_first_service_before_others(
    cis: dict[str, list[str]], ci: str
) -> None:
    """Whatever is named, the service is one that names it, or has a pattern if none does."""
    services = {name: Service(name, cis=tuple(each)) for name, each in cis.items()}
    found = Catalogue(services).service_of({"host": ci})

    naming = [name for name, each in cis.items() if ci in each and "*" not in ci and "?" not in ci]
    if naming:
        assert found == naming[0]
    elif found:
        assert any("*" in one or "?" in one or one in ci for one in cis[found])
