"""The ``catalog`` part of the YAML: where else services are written down."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from notation import Label as Name
from routing.catalogue import Criticality

Column = Literal["service", "criticality", "team", "depends_on", "support_hours", "cis", "customers", "sites"]


class CsvConfig(BaseModel):
    """A table, as a CMDB exports it. Rows of the same service add up, so it may have a row for each CI."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Name = Field(description="CSV with a header. Relative to the configuration's folder.")
    columns: dict[Column, Name] = Field(
        default_factory=dict,
        description="What the file calls its columns, like {service: Business Service, cis: Name}; those not named "
        "are called as here. Several values in one are parted by ; or by commas.",
    )
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = Field(
        ",", description="What parts columns."
    )
    criticalities: dict[Name, Criticality] = Field(
        default_factory=dict,
        description='What the file calls criticalities, like {"1 - most critical": critical}; ours are known.',
    )


class CatalogConfig(BaseModel):
    """Where else services are written down. What ``services`` says of one goes before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    backstage: list[Name] = Field(
        default_factory=list,
        description="Files catalog-info.yaml of Backstage, each with any number of entities. Components, systems, "
        "APIs and resources become services. The annotations tocsin/criticality, tocsin/support-hours and "
        "tocsin/cis are heeded. Relative to the configuration's folder.",
    )
    csv: list[CsvConfig] = Field(default_factory=list, description="Tables, as a CMDB exports them.")
