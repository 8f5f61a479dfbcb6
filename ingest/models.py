"""Ingest's part of the YAML: ``sources``, ``ingest`` and its ``spool``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from domain.alert import Severity
from ingest.admission import Gate
from ingest.auth.models import Auth
from ingest.auth.models import AuthConfig as AuthConfig
from ingest.auth.models import build as build_auth
from ingest.identity_lint import IdentityLint
from ingest.pulse import Pulse
from ingest.reading import Bounds
from ingest.source import Source
from ingest.sources import ALIASES, TOOLS, Tool, generic, generic_changes
from ingest.sources.circumstances import Circumstances
from ingest.sources.generic_models import AnyMapping, ChangeMapping
from ingest.treatment import Treatment
from notation import Duration, Label, Labels, Size, lasting


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError(f"{name!r} is not a time zone, like Europe/Berlin or UTC") from None
    return name


Zone = Annotated[
    str, AfterValidator(_zone), WithJsonSchema({"type": "string", "examples": ["Europe/Berlin"]})
]
Word = Annotated[str, Field(min_length=1), AfterValidator(str.lower)]
if TYPE_CHECKING:
    TypeName = str
else:
    TypeName = Literal[*(name for name in (*TOOLS, *ALIASES) if name != generic.TYPE)]
SourceName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._~-]*$", max_length=64)]
"""Part of an address, ``/ingest/NAME``, so it holds only what needs no escaping there."""


class RateConfig(BaseModel):
    """How often a source may post."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    per_second: float = Field(gt=0, le=1e6, description="Requests a second, over time.")
    burst: int = Field(
        20, ge=1, le=1_000_000, description="Requests that may come at once after a quiet time."
    )


class IdentityLintConfig(BaseModel):
    """When to warn, once in the log, that labels of `identity` are unfit for it; see `tocsin_identity_…` metrics."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    missing: float = Field(
        5.0, ge=0, le=100, description="Percent of alerts in which a label may be missing."
    )
    values: int = Field(
        10_000, ge=100, le=1_000_000, description="Different values of a label from which on it has too many."
    )

    def build(self, labels: list[str] | None) -> IdentityLint | None:
        """Make what counts, for a source that has such labels."""
        return IdentityLint(labels, self.missing, self.values) if labels else None


class CommonConfig(BaseModel):
    """What can be said of a source of any type."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    auth: Auth | None = Field(None, description="Who may post. Everybody when left out.")
    identity: Labels | None = Field(
        None,
        description="Labels that make the identity of an alert, in place of the tool's own fingerprint.",
    )
    identity_lint: IdentityLintConfig = Field(
        default_factory=IdentityLintConfig, description="When to warn that these labels are unfit."
    )
    answer_bad: Literal[422, 202] = Field(
        422,
        description="Status that the sender of a body that cannot be read gets. "
        "The body is in quarantine either way.",
    )
    max_alerts: int | None = Field(
        None, ge=1, le=1_000_000, description="Most alerts in one body; `ingest.max_alerts` when left out."
    )
    rate: RateConfig | None = Field(
        None, description="How often it may post; more is answered with 429 and Retry-After."
    )
    zone: Zone = Field("UTC", description="Time zone of dates that do not tell theirs, like `Europe/Berlin`.")
    severities: dict[Word, Severity] = Field(
        default_factory=dict,
        description="What words mean here, in place of the usual: the `severity` label as the tool writes it, "
        "or one of critical, high, medium, low and info.",
    )
    expect_every: Duration | None = Field(
        None,
        description="How often something must be heard of it: anything that is understood, and each heartbeat "
        "that it sends, like Watchdog. Silence opens an incident, also of one that was never heard of.",
    )
    defaults: dict[Label, Label] = Field(
        default_factory=dict, description="Labels for its alerts that do not have them."
    )

    def tool(self) -> Tool:
        """Find what posts to it."""
        raise NotImplementedError

    def build(self, name: str, limits: LimitsConfig | None = None) -> Source:
        """Make the source that the server works with."""
        limits = limits or LimitsConfig()
        rate = self.rate
        return Source(
            name=name,
            auth=build_auth(self.auth),
            tool=self.tool(),
            gate=Gate(limits.max_concurrent, rate.per_second if rate else None, rate.burst if rate else 1),
            treatment=Treatment(
                severities=self.severities,
                defaults=self.defaults,
                max_labels=limits.max_labels,
                max_label=limits.max_label,
            ),
            circumstances=Circumstances(ZoneInfo(self.zone)),
            pulse=self._pulse(name),
            lint=self.identity_lint.build(self.identity),
            answer_bad=self.answer_bad,
            max_alerts=self.max_alerts or limits.max_alerts,
        )

    def _pulse(self, name: str) -> Pulse | None:
        if self.expect_every is None:
            return None
        own = dict.fromkeys(("alertname", *(self.identity or ())), name)
        return Pulse(name, self.expect_every, {**own, **self.defaults})


class SourceConfig(CommonConfig):
    """A monitoring tool that posts to ``/ingest/NAME``."""

    type: TypeName = Field(description="Which tool it is; `tocsin source list` tells more.")

    def tool(self) -> Tool:
        """Find what posts to it."""
        return TOOLS[ALIASES.get(self.type, self.type)]


class GenericConfig(CommonConfig):
    """A tool that has no type of its own: what it posts to ``/ingest/NAME`` is read by a mapping."""

    type: Literal["generic"]
    mapping: AnyMapping = Field(
        description="Where in the body the parts of an alert are; with `kind: change`, those of a change."
    )

    def tool(self) -> Tool:
        """Make the tool of its mapping."""
        if isinstance(self.mapping, ChangeMapping):
            return replace(TOOLS[generic.TYPE], parse=generic_changes.parser(self.mapping))
        return replace(TOOLS[generic.TYPE], parse=generic.parser(self.mapping))


AnySource = Annotated[SourceConfig | GenericConfig, Field(discriminator="type")]
"""A source; its ``type`` tells what may be said of it."""


class LimitsConfig(BaseModel):
    """The most that is taken in at once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_body: Size = lasting("5MiB", "Largest body, as sent.")
    max_unpacked: Size = lasting("20MiB", "Largest body after unpacking gzip or deflate.")
    max_depth: int = Field(64, ge=4, le=500, description="Levels of nesting in a body.")
    max_alerts: int = Field(10_000, ge=1, le=1_000_000, description="Most alerts in one body.")
    max_labels: int = Field(
        128, ge=8, le=10_000, description="Labels of an alert; those beyond are left out."
    )
    max_label: int = Field(
        4096, ge=64, le=1_000_000, description="Characters of a label's value; what is longer is cut."
    )
    max_concurrent: int = Field(
        2000,
        ge=1,
        le=100_000,
        description="Requests of one source that are taken at the same time; more are answered with 429.",
    )

    def build(self) -> Bounds:
        """Make what the server works with."""
        return Bounds(max_body=self.max_body, max_unpacked=self.max_unpacked, max_depth=self.max_depth)


class SpoolConfig(BaseModel):
    """Where accepted alerts wait while the broker is away."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_size: Size = lasting(
        "1GiB", "Most that is kept on disk; when it is full, senders are told to wait (503)."
    )


class QuarantineConfig(BaseModel):
    """How much is kept of requests that could not be understood. The oldest goes first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_count: int = Field(1_000, ge=1, le=10_000, description="Most requests that are kept.")
    max_size: Size = lasting("64MiB", "Most that they may take up together.")
    max_age: Duration = lasting("14d", "How long a request is kept.")


Sources = dict[SourceName, AnySource]
"""The ``sources`` of the YAML."""
