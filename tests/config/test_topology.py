"""A topology: from the file, from this one, and from what services depend on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from config.load import parse
from config.problems import ConfigError
from config.settings import Settings
from domain.topology import Edge, Relation

GRAPH = {
    "nodes": [{"id": "cart", "type": "Service"}, {"id": "lonely"}],
    "edges": [
        {"source": "cart", "target": "db", "label": "control_flow"},
        {"source": "node", "target": "cart-0", "label": "hosts"},
        {"source": "cart", "target": "cart-0", "label": "has_instance"},
        {"source": "cart", "target": "registry", "label": "registers_with"},
    ],
}


def loaded(text: str, folder: Path) -> Settings:
    return parse(text, "tocsin.yaml", {}, folder)


def test_a_graph_as_tools_export_it(tmp_path: Path) -> None:
    """Words for edges are understood, also the other way round; others mean that two are connected."""
    (tmp_path / "graph.json").write_text(json.dumps(GRAPH))

    rules = loaded("topology: {file: graph.json}", tmp_path).correlation

    assert rules.topology.edges == (
        Edge("cart", Relation.DEPENDS_ON, "db"),
        Edge("cart-0", Relation.RUNS_ON, "node"),
        Edge("cart-0", Relation.INSTANCE_OF, "cart"),
        Edge("cart", Relation.CONNECTS_TO, "registry"),
    )
    assert "lonely" in rules.topology
    assert [rule.id for rule in rules.groups] == ["by-topology", "by-service"]


def test_written_here(tmp_path: Path) -> None:
    """Nodes with their connections, and the catalogue's dependencies, make one graph."""
    text = """
        topology: {nodes: {db-0: {instance_of: db, runs_on: [host-1]}}}
        services: {cart: {depends_on: [db]}, db: {}}
        """
    rules = loaded(text, tmp_path).correlation

    assert rules.topology.needs("cart") == {"db", "db-0", "host-1"}
    assert rules.needs == {"cart": ("db",)}


def test_without_a_topology_it_is_as_ever(tmp_path: Path) -> None:
    """No rule by topology without one, nor where rules are written."""
    plain = loaded("services: {cart: {depends_on: [db]}, db: {}}", tmp_path).correlation
    own = "topology: {nodes: {a: {}}}\ncorrelation: {groups: [{id: mine, by: [site]}]}"

    assert [rule.id for rule in plain.groups] == ["by-service"]
    assert [rule.id for rule in loaded(own, tmp_path).correlation.groups] == ["mine"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "graph.json:1: should have a list of nodes"),
        ('{"nodes": [{"name": ""}], "edges": []}', "graph.json:1: should have a text as id"),
        ("[", "graph.json:1: not YAML"),
    ],
)
def test_what_is_no_graph(tmp_path: Path, text: str, said: str) -> None:
    """The file and the line are named."""
    (tmp_path / "graph.json").write_text(text)

    with pytest.raises(ConfigError, match=said):
        loaded("topology: {file: graph.json}", tmp_path)


def test_strategies_are_compiled(tmp_path: Path) -> None:
    """In their order, each with its defaults."""
    text = """
        correlation:
          groups:
            - id: all
              by: []
              strategies: [{type: topology}, {type: text}, {type: time}, {type: labels, same: [site]}]
        """
    (rule,) = loaded(text, tmp_path).correlation.groups

    assert [strategy.type for strategy in rule.strategies] == ["topology", "text", "time", "labels"]
