"""Reads the file of a topology, and joins all that is said of what needs what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path as FilePath

from config.document import Node
from config.models import TocsinConfig
from config.problems import Finding
from config.reading import NotReadable, read_document
from domain.topology import Edge, Relation, Topology

RELATIONS = {
    **dict.fromkeys(("depends_on", "calls", "uses", "control_flow", "data_flow"), Relation.DEPENDS_ON),
    **dict.fromkeys(("runs_on", "hosted_on", "deployed_on"), Relation.RUNS_ON),
    **dict.fromkeys(("instance_of", "member_of", "part_of"), Relation.INSTANCE_OF),
}
"""What edges are called → what that means. Other words mean that two are connected."""
REVERSED = {"hosts": Relation.RUNS_ON, "has_instance": Relation.INSTANCE_OF}


@dataclass(frozen=True, slots=True)
class Graph:
    """What a file says."""

    nodes: tuple[str, ...] = ()
    edges: tuple[Edge, ...] = ()
    digest: str = ""


class BadGraph(Exception):
    """A file that is no graph; the message says why, with the line."""


def read_graph(config: TocsinConfig, folder: FilePath) -> tuple[Graph, list[Finding]]:
    """Read the file that the configuration names, if it names one."""
    file = config.topology.file
    if not file:
        return Graph(), []
    try:
        return _read(file, folder), []
    except BadGraph as error:
        return Graph(), [Finding(("topology", "file"), str(error))]


def _read(file: str, folder: FilePath) -> Graph:
    try:
        text = (folder / file).read_text(encoding="utf-8-sig")
        root = read_document(text, file).root
    except OSError as error:
        raise BadGraph(f"cannot read {file}: {error.strerror}") from None
    except ValueError:
        raise BadGraph(f"cannot read {file}: not UTF-8 text") from None
    except NotReadable as error:
        raise BadGraph(f"{file}:{error.line}: {error.message}") from None
    digest = blake2b(text.encode(), digest_size=8).hexdigest()
    return Graph(tuple(_nodes(root, file)), tuple(_edges(root, file)), digest)


def _nodes(root: Node, file: str) -> Iterator[str]:
    for node in _list(root, file, "nodes"):
        yield _text(node, file, "id", "name")


def _edges(root: Node, file: str) -> Iterator[Edge]:
    for node in _list(root, file, "edges", "links"):
        source, target = _text(node, file, "source", "from"), _text(node, file, "target", "to")
        word = _word(node, "label", "relation", "type").lower().replace("-", "_").replace(" ", "_")
        if word in REVERSED:
            yield Edge(target, REVERSED[word], source)
        else:
            yield Edge(source, RELATIONS.get(word, Relation.CONNECTS_TO), target)


def _list(root: Node, file: str, *names: str) -> list[Node]:
    found = next((child for name in names if (child := root.child(name))), None)
    if found is None or not isinstance(found.value, list):
        raise BadGraph(f"{file}:{root.line}: should have a list of {names[0]}")
    return found.value


def _word(node: Node, *names: str) -> str:
    found = (node.child(name) for name in names)
    return next((child.value for child in found if child and isinstance(child.value, str)), "")


def _text(node: Node, file: str, *names: str) -> str:
    text = _word(node, *names)
    if not text:
        raise BadGraph(f"{file}:{node.line}: should have a text as {names[0]}")
    return text


def topology_of(config: TocsinConfig, graph: Graph) -> Topology:
    """Join the file, the section ``topology``, and what services depend on."""
    catalogue = [
        Edge(name, Relation.DEPENDS_ON, other)
        for name, service in config.services.items()
        for other in service.depends_on
    ]
    edges = (*graph.edges, *config.topology.edges(), *catalogue)
    return Topology(edges, (*graph.nodes, *config.topology.nodes))


def needs_of(config: TocsinConfig) -> dict[str, tuple[str, ...]]:
    """List for each service of the catalogue all that it cannot work without, the deepest first."""
    depends_on = {name: service.depends_on for name, service in config.services.items()}
    found = {name: tuple(reversed(_below(name, depends_on))) for name in depends_on}
    return {name: below for name, below in found.items() if below}


def _below(name: str, depends_on: Mapping[str, Sequence[str]]) -> list[str]:
    """List what is below *name*, the nearest first; in a circle it is not below itself.

    >>> _below("shop", {"shop": ["cart"], "cart": ["db", "shop"]})
    ['cart', 'db']
    """
    found = [name]
    for each in found:
        found += [other for other in dict.fromkeys(depends_on.get(each, ())) if other not in found]
    return found[1:]
