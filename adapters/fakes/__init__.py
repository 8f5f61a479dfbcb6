"""Stand-ins for ticketing tools, and the one list of them: what the contract suite runs and ``tocsin fake`` serves."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.fakes.alloy import FakeAlloy
from adapters.fakes.base import Fake
from adapters.fakes.bmc_helix import FakeBmcHelix
from adapters.fakes.email import FakeEmail
from adapters.fakes.freshservice import FakeFreshservice
from adapters.fakes.github import FakeGitHub
from adapters.fakes.gitlab import FakeGitLab
from adapters.fakes.glpi import FakeGlpi
from adapters.fakes.itop import FakeItop
from adapters.fakes.jira import FakeJiraCloud, FakeJiraDataCenter
from adapters.fakes.jsm_ops import FakeJsmOps, FakeOpsgenie
from adapters.fakes.mattermost import FakeMattermost
from adapters.fakes.pagerduty import FakePagerDuty
from adapters.fakes.pagerduty_events import FakePagerDutyEvents
from adapters.fakes.redmine import FakeRedmine
from adapters.fakes.roundup import FakeRoundup
from adapters.fakes.rt import FakeRT
from adapters.fakes.servicedesk_plus import FakeServiceDeskPlus, FakeServiceDeskPlusCloud
from adapters.fakes.servicenow import FakeServiceNow, FakeServiceNowEvents
from adapters.fakes.slack import FakeSlack
from adapters.fakes.teams import FakeTeams
from adapters.fakes.topdesk import FakeTopdesk
from adapters.fakes.webhook import FakeWebhook
from adapters.fakes.zammad import FakeZammad
from adapters.fakes.zendesk import FakeZendesk
from adapters.fakes.znuny import FakeZnuny

FAKES: Mapping[str, type[Fake]] = {
    "alloy": FakeAlloy,
    "bmc_helix": FakeBmcHelix,
    "email": FakeEmail,
    "freshservice": FakeFreshservice,
    "github": FakeGitHub,
    "gitlab": FakeGitLab,
    "glpi": FakeGlpi,
    "itop": FakeItop,
    "jira_cloud": FakeJiraCloud,
    "jira_data_center": FakeJiraDataCenter,
    "jsm_ops": FakeJsmOps,
    "jsm_ops_opsgenie": FakeOpsgenie,
    "mattermost": FakeMattermost,
    "pagerduty": FakePagerDuty,
    "pagerduty_events": FakePagerDutyEvents,
    "redmine": FakeRedmine,
    "roundup": FakeRoundup,
    "rt": FakeRT,
    "servicedesk_plus": FakeServiceDeskPlus,
    "servicedesk_plus_cloud": FakeServiceDeskPlusCloud,
    "servicenow": FakeServiceNow,
    "servicenow_events": FakeServiceNowEvents,
    "slack": FakeSlack,
    "teams": FakeTeams,
    "topdesk": FakeTopdesk,
    "webhook": FakeWebhook,
    "zammad": FakeZammad,
    "zendesk": FakeZendesk,
    "znuny": FakeZnuny,
}
"""By name: the destination's type, and behind it what tells a variant, like ``jira_cloud``."""
