"""The ``enrich`` part of the YAML: what is added to alerts, and where it is found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from correlation.enrichment import EnrichRule, Extract, Finder, FromCatalogue, Given, Lookup, Row
from domain.matching import Matcher, compiled
from notation import Label, Labels, MatchConfig, RuleConfig

Attribute = Literal["team", "criticality"]
ATTRIBUTES: tuple[Attribute, ...] = ("team", "criticality")
KINDS = ("set", "lookup", "extract", "catalogue")


def _pattern(text: str) -> str:
    if not compiled(text).groupindex:
        raise ValueError(f"{text!r} has no named group, like (?P<site>[a-z]+), to take a label from")
    return text


class LookupConfig(BaseModel):
    """A table, and what is taken from it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Label = Field(
        description="CSV with a header, or YAML (a list of mappings, or a mapping of the value looked for to a "
        "mapping). Relative to the configuration's folder; read whenever the configuration is."
    )
    on: Label | Labels | dict[Label, Label] = Field(
        description="Label or field whose value is looked for in the column of the same name; a list of them; "
        "or a mapping of column to label, like {hostname: host}."
    )
    add: Labels | dict[Label, Label] | None = Field(
        None,
        description="Columns that become labels, or a mapping of label to column, like {site: location}. "
        "All columns when left out.",
    )

    @property
    def looked_at(self) -> dict[str, str]:
        """The fields looked for, by the columns that they are looked for in."""
        if isinstance(self.on, dict):
            return self.on
        return {name: name for name in ([self.on] if isinstance(self.on, str) else self.on)}

    def taken(self, columns: list[str]) -> dict[str, str]:
        """The columns that are taken of those there are, by the label they become."""
        if isinstance(self.add, dict):
            return self.add
        return {name: name for name in self.add or (each for each in columns if each not in self.looked_at)}


class ExtractConfig(BaseModel):
    """A pattern whose named groups become labels."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    origin: Label = Field(alias="from", description="Label or field that is searched.")
    pattern: Annotated[Label, AfterValidator(_pattern)] = Field(
        description="RE2 pattern with named groups, like `^(?P<site>[a-z]{3})-`; found anywhere in the value."
    )


class EnrichConfig(RuleConfig):
    """A rule that adds labels to alerts, before they are grouped. A label `service` or `resource` sets that, too."""

    match: MatchConfig = Field(
        default_factory=dict, description="Alerts that the rule is for, as in groups. Empty: every alert."
    )
    set: Annotated[dict[Label, Label], Field(min_length=1)] | None = Field(
        None, description="Labels to add as they stand here."
    )
    lookup: LookupConfig | None = Field(None, description="A table to look them up in.")
    extract: ExtractConfig | None = Field(None, description="A pattern to take them from another label with.")
    catalogue: Annotated[list[Attribute], Field(min_length=1)] | None = Field(
        None, description="What to take from the entry of the alert's service in the catalogue."
    )
    overwrite: bool = Field(False, description="Whether a label that the alert has already is replaced.")

    @model_validator(mode="after")
    def _finds_somewhere(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(
                f"needs one of set, lookup, extract and catalogue, not {' and '.join(given) or 'none'}"
            )
        return self

    def compile(self, lookup: Lookup | None, services: Mapping[str, Row]) -> EnrichRule:
        """Make the rule that the core works with, of its table and of what the catalogue has by service."""
        return EnrichRule(self.id, self._finder(lookup, services), Matcher.of(self.match), self.overwrite)

    def _finder(self, lookup: Lookup | None, services: Mapping[str, Row]) -> Finder:
        if self.extract is not None:
            pattern = self.extract.pattern
            return Extract(self.extract.origin, compiled(pattern), pattern)
        if self.catalogue is not None:
            return FromCatalogue({name: _some(row, self.catalogue) for name, row in services.items()})
        return lookup or Given(self.set or {})


def _some(row: Row, wanted: list[Attribute]) -> Row:
    return {name: row[name] for name in wanted if row.get(name)}
