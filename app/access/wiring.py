"""Makes the gate that the configuration describes."""

from __future__ import annotations

from collections.abc import Callable

from app.access.audit import Audit
from app.access.gate import Door, Gate
from app.access.oidc import Oidc, OidcRule
from app.access.tokens import Tokens
from config.api import ApiConfig, OidcConfig
from domain.access import Principal
from domain.ports import Broker
from domain.times import Millis
from ingest.auth.fetching import get


def gate_of(api: Callable[[], ApiConfig], broker: Broker, clock: Callable[[], Millis]) -> Gate:
    """Make it; what *api* gives may become another when the configuration is reloaded."""
    made: list[tuple[ApiConfig, Door]] = []

    def door() -> Door:
        """Give that of the configuration as it is now."""
        now = api()
        if not made or made[0][0] is not now:
            made[:] = [(now, _door(now))]
        return made[0][1]

    return Gate(door, Audit(broker, clock), clock)


def _door(api: ApiConfig) -> Door:
    known = [(each.token.get_secret_value(), Principal(each.name, each.role)) for each in api.tokens]
    providers = [Oidc(_rule(each), get) for each in api.oidc]
    return Door(Tokens(known), providers, api.without_token, api.metrics_need_token)


def _rule(oidc: OidcConfig) -> OidcRule:
    audiences = [oidc.audience] if isinstance(oidc.audience, str) else oidc.audience
    return OidcRule(oidc.issuer, audiences, oidc.roles, oidc.claim, oidc.name)
