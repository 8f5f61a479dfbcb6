"""The ticketing tools: one module each, and the one list of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from adapters.tickets.alloy import AlloyConfig
from adapters.tickets.bmc_helix import BmcHelixConfig
from adapters.tickets.email import EmailConfig
from adapters.tickets.freshservice import FreshserviceConfig
from adapters.tickets.github import GitHubConfig
from adapters.tickets.gitlab import GitLabConfig
from adapters.tickets.glpi import GlpiConfig
from adapters.tickets.itop import ItopConfig
from adapters.tickets.jira import JiraConfig
from adapters.tickets.jsm_ops import JsmOpsConfig
from adapters.tickets.mattermost import MattermostConfig
from adapters.tickets.memory import MemoryConfig
from adapters.tickets.pagerduty import PagerDutyConfig
from adapters.tickets.redmine import RedmineConfig
from adapters.tickets.roundup import RoundupConfig
from adapters.tickets.rt import RequestTrackerConfig
from adapters.tickets.servicedesk_plus import ServiceDeskPlusConfig
from adapters.tickets.servicenow import ServiceNowConfig
from adapters.tickets.slack import SlackConfig
from adapters.tickets.teams import TeamsConfig
from adapters.tickets.topdesk import TopdeskConfig
from adapters.tickets.webhook import WebhookConfig
from adapters.tickets.zammad import ZammadConfig
from adapters.tickets.zendesk import ZendeskConfig
from adapters.tickets.znuny import ZnunyConfig

DestinationConfig = Annotated[
    AlloyConfig
    | BmcHelixConfig
    | EmailConfig
    | FreshserviceConfig
    | GitHubConfig
    | GitLabConfig
    | GlpiConfig
    | ItopConfig
    | JiraConfig
    | JsmOpsConfig
    | MattermostConfig
    | MemoryConfig
    | PagerDutyConfig
    | RedmineConfig
    | RoundupConfig
    | RequestTrackerConfig
    | ServiceDeskPlusConfig
    | ServiceNowConfig
    | SlackConfig
    | TeamsConfig
    | TopdeskConfig
    | WebhookConfig
    | ZammadConfig
    | ZendeskConfig
    | ZnunyConfig,
    Field(discriminator="type"),
]
"""Settings of a destination; its ``type`` tells the tool, its ``build`` makes the ``TicketSystem``."""
