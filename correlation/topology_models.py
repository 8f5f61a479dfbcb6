"""The ``topology`` part of the YAML: what the system is made of."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, Field

from domain.topology import Edge, Relation
from notation import Label


class NodeConfig(BaseModel):
    """A service, one of its instances, a host or another CI, and what it is connected to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    depends_on: list[Label] = Field(default_factory=list, description="What it calls or uses.")
    runs_on: list[Label] = Field(default_factory=list, description="Hosts, or whatever carries it.")
    instance_of: Label | None = Field(None, description="The service that it is an instance of.")
    connects_to: list[Label] = Field(
        default_factory=list, description="What it is linked to, without either needing the other."
    )

    def edges(self, name: str) -> Iterator[Edge]:
        """List its connections."""
        for relation, others in (
            (Relation.DEPENDS_ON, self.depends_on),
            (Relation.RUNS_ON, self.runs_on),
            (Relation.INSTANCE_OF, [self.instance_of] if self.instance_of else []),
            (Relation.CONNECTS_TO, self.connects_to),
        ):
            yield from (Edge(name, relation, other) for other in others)


class TopologyConfig(BaseModel):
    """What the system is made of and how it is connected, beside ``depends_on`` of services."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str = Field(
        "",
        description="A JSON or YAML file beside this one with the graph as lists of nodes ({id: ...}) and edges "
        "({source: ..., target: ..., label: ...}), as many tools export it. Labels that are understood: depends_on, "
        "runs_on, instance_of and connects_to, other words for them as calls, control_flow, hosted_on and member_of, "
        "and hosts and has_instance the other way round; any other is taken for connects_to.",
    )
    nodes: dict[Label, NodeConfig] = Field(
        default_factory=dict,
        description="By the name that alerts have as their service or resource.",
    )

    def __bool__(self) -> bool:
        return bool(self.file or self.nodes)

    def edges(self) -> Iterator[Edge]:
        """List the connections that are written here."""
        for name, node in self.nodes.items():
            yield from node.edges(name)
