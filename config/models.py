"""The whole configuration file: every package's part of it, joined."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, WithJsonSchema

from adapters.tickets import DestinationConfig
from config.api import ApiConfig
from config.catalogue_models import CatalogConfig
from correlation.change_models import ChangesConfig
from correlation.enrichment_models import EnrichConfig
from correlation.inhibition_models import InhibitConfig
from correlation.maintenance_models import MaintenanceConfig
from correlation.major_models import MajorConfig
from correlation.models import CorrelationConfig
from correlation.problem_models import KnownErrorConfig, ProblemConfig
from correlation.topology_models import TopologyConfig
from ingest.models import AnySource, LimitsConfig, QuarantineConfig, SourceName, SpoolConfig
from routing.assignment_models import AssignmentRuleConfig, RotationConfig
from routing.calendar_models import CalendarConfig
from routing.catalogue_models import ServiceConfig
from routing.escalation_models import EscalationConfig
from routing.models import RouteConfig, TemplatesConfig
from routing.priority_models import PriorityConfig
from routing.sla_models import SlaConfig

_SPEAKS = {
    "broker": ("amqp://", "amqps://"),
    "store": tuple(
        f"{redis}{kind}://" for kind in ("", "+cluster", "+sentinel") for redis in ("redis", "rediss")
    ),
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(
            "a name is made of letters, digits, _ and -, begins with a letter or digit, 64 at most"
        )
    return text


def _address(text: SecretStr, kind: str) -> SecretStr:
    if not text.get_secret_value().startswith(_SPEAKS[kind]):
        raise ValueError(f"should begin with {' or '.join(_SPEAKS[kind])}")
    return text


def _base(url: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", url):
        raise ValueError("should be an address like https://tocsin.example.com")
    return url.rstrip("/")


Name = Annotated[str, AfterValidator(_name)]
BrokerUrl = Annotated[SecretStr, AfterValidator(lambda text: _address(text, "broker"))]
StoreUrl = Annotated[SecretStr, AfterValidator(lambda text: _address(text, "store"))]
BaseUrl = Annotated[
    str, AfterValidator(_base), WithJsonSchema({"type": "string", "format": "uri", "pattern": "^https?://"})
]


class IngestConfig(LimitsConfig):
    """What is taken in, and where it waits when the broker is away."""

    spool: SpoolConfig = Field(
        default_factory=SpoolConfig, description="Where accepted alerts wait while the broker is away."
    )
    quarantine: QuarantineConfig = Field(
        default_factory=QuarantineConfig, description="What is kept of requests that could not be understood."
    )


class TocsinConfig(BaseModel):
    """Everything that Tocsin can be told. All of it may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="Tocsin configuration")

    broker: BrokerUrl | None = Field(
        None,
        description="RabbitMQ 3.10 or later: amqp://user:password@host/vhost. Left out, mailboxes are in the "
        "SQLite file. The environment variable TOCSIN_BROKER goes before this.",
    )
    store: StoreUrl | None = Field(
        None,
        description="Redis 7 or later: redis://:password@host/0. A Cluster is named by one node: "
        "redis+cluster://:password@host. So are Sentinels, with the name of their master: "
        "redis+sentinel://:password@host:26379,host:26379/name. rediss is for TLS. Left out, state is in the SQLite "
        "file. The environment variable TOCSIN_STORE goes before this.",
    )
    public_url: BaseUrl = Field(
        "http://127.0.0.1:8080", description="Where people reach Tocsin; links in tickets begin with it."
    )
    api: ApiConfig = Field(default_factory=ApiConfig, description="Who may use the API.")
    sources: dict[SourceName, AnySource] = Field(
        default_factory=dict, description="Tools that post alerts, by the name in their address /ingest/NAME."
    )
    ingest: IngestConfig = Field(
        default_factory=IngestConfig,
        description="What is taken in, and where it waits when the broker is away.",
    )
    enrich: list[EnrichConfig] = Field(
        default_factory=list,
        description="What is added to alerts before they are grouped. All that match are applied, in order; each sees "
        "what those before it added. Identities and partitions are made of what the tool sent.",
    )
    correlation: CorrelationConfig = Field(
        default_factory=CorrelationConfig, description="How alerts become incidents."
    )
    changes: ChangesConfig | None = Field(
        None, description="What changes mean for incidents. Left out: changes are only listed."
    )
    known_errors: list[KnownErrorConfig] = Field(
        default_factory=list,
        description="Workarounds for incidents that match. Tried in order, before those recorded over the API; "
        "the first that matches is shown.",
    )
    problems: list[ProblemConfig] = Field(
        default_factory=list,
        description="When incidents that recur make a problem. Tried in order; the first that matches counts "
        "an incident. None: there are no problems.",
    )
    major: list[MajorConfig] = Field(
        default_factory=list,
        description="Which incidents are major ones. The first rule that matches raises an incident, once.",
    )
    maintenance: list[MaintenanceConfig] = Field(
        default_factory=list,
        description="What is worked on when: its alerts open nothing meanwhile. See docs/suppression.md.",
    )
    inhibit: list[InhibitConfig] = Field(
        default_factory=list,
        description="What is suppressed while something worse fires. See docs/suppression.md.",
    )
    topology: TopologyConfig = Field(
        default_factory=TopologyConfig,
        description="What the system is made of and how it is connected, to tell what belongs together and what "
        "caused it.",
    )
    services: dict[Annotated[str, Field(min_length=1)], ServiceConfig] = Field(
        default_factory=dict,
        description="The service catalogue, by the name that alerts have in their service label.",
    )
    catalog: CatalogConfig = Field(
        default_factory=CatalogConfig, description="Files in which more services are written down."
    )
    priority: PriorityConfig = Field(
        default_factory=PriorityConfig, description="What gives an incident its priority."
    )
    calendars: dict[Name, CalendarConfig] = Field(
        default_factory=dict, description="When people work, by the names that SLAs and services use."
    )
    sla: SlaConfig = Field(default_factory=SlaConfig, description="How long incidents may take.")
    assignment: list[AssignmentRuleConfig] = Field(
        default_factory=list, description="Which team gets an incident, where it is not its service's."
    )
    on_call: dict[Annotated[str, Field(min_length=1)], RotationConfig] = Field(
        default_factory=dict, description="Who is on call, by the name of the team."
    )
    escalation: list[EscalationConfig] = Field(
        default_factory=list, description="What is done when nobody acts, or time runs out."
    )
    templates: TemplatesConfig = Field(default_factory=TemplatesConfig, description="Texts of tickets.")
    routes: list[RouteConfig] = Field(
        default_factory=list,
        description="Which incidents become tickets where. Tried in order; the first that matches is taken.",
    )
    destinations: dict[Name, DestinationConfig] = Field(
        default_factory=dict, description="Ticketing tools, by the name that routes use."
    )
