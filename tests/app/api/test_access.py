"""Who may use the API, and what is recorded of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from config.api import ApiConfig, TokenConfig
from correlation.audit import KEEP, audit_log
from domain.access import Role
from domain.events import Audited
from tests.app.api.world import World, opened_world
from tests.builders import NOON, correlation_core

VIEWER, OPERATOR, ADMIN = "viewer-token-0123", "operator-token-0123", "admin-token-012345"
TOKENS = ApiConfig(
    tokens=[
        TokenConfig(name="wall", token=SecretStr(VIEWER)),
        TokenConfig(name="bot", token=SecretStr(OPERATOR), role=Role.OPERATOR),
        TokenConfig(name="root", token=SecretStr(ADMIN), role=Role.ADMIN),
    ]
)
RETRY = "/api/v1/parked/noc/0123456789abcdef/retry"


@pytest.fixture
async def guarded() -> AsyncIterator[World]:
    async with opened_world(access=TOKENS) as opened:
        yield opened


async def status(
    world: World, path: str, token: str = "", method: str = "GET", scheme: str = "Bearer"
) -> int:
    """Ask, and say what was answered."""
    headers = {"Authorization": f"{scheme} {token}"} if token else {}
    async with world.client.request(method, path, headers=headers) as response:
        if response.status == 401:
            assert response.headers["WWW-Authenticate"] == 'Bearer realm="tocsin"'
        return response.status


@pytest.mark.parametrize(
    "path", ["/api/v1/incidents", "/api/v1/stats", "/api/v1/quarantine", "/api/openapi.json"]
)
async def test_looking_takes_a_token(guarded: World, path: str) -> None:
    """Any token will do, and nothing else."""
    assert await status(guarded, path) == 401
    assert await status(guarded, path, VIEWER + "x") == 401
    assert await status(guarded, path, VIEWER, scheme="Basic") == 401
    assert [await status(guarded, path, each) for each in (VIEWER, OPERATOR, ADMIN)] == [200, 200, 200]


async def test_doing_takes_an_operator(guarded: World) -> None:
    """A viewer may not; that there is no such ticket is said only to those who may."""
    assert [await status(guarded, RETRY, each, "POST") for each in ("", VIEWER, OPERATOR)] == [401, 403, 404]


async def test_who_did_what_is_for_admins(guarded: World) -> None:
    assert [await status(guarded, "/api/v1/audit", each) for each in (VIEWER, OPERATOR, ADMIN)] == [
        403,
        403,
        200,
    ]


async def test_health_and_metrics_are_for_everybody(guarded: World) -> None:
    """Load balancers and Prometheus come without a token."""
    assert [await status(guarded, path) for path in ("/healthz", "/readyz", "/metrics")] == [200, 200, 200]


async def test_metrics_can_be_closed() -> None:
    async with opened_world(access=TOKENS.model_copy(update={"metrics_need_token": True})) as world:
        assert [await status(world, "/metrics"), await status(world, "/metrics", VIEWER)] == [401, 200]


async def test_everybody_may_look_where_that_is_said() -> None:
    """But not do anything."""
    async with opened_world(access=ApiConfig(anonymous=Role.VIEWER)) as world:
        assert [await status(world, "/api/v1/stats"), await status(world, RETRY, method="POST")] == [200, 403]


async def test_whatever_is_asked_for_beyond_looking_is_recorded(guarded: World) -> None:
    """Who, what and what was answered; also where it was refused. Looking leaves no line."""
    await status(guarded, RETRY, OPERATOR, "POST")
    await status(guarded, "/api/v1/stats", VIEWER)
    await guarded.run()

    async with guarded.client.get(
        "/api/v1/audit?month=2024-01", headers={"Authorization": f"Bearer {ADMIN}"}
    ) as got:
        (line,) = (await got.json())["items"]
    assert (line["actor"], line["role"], line["method"], line["path"], line["status"]) == (
        "bot",
        "operator",
        "POST",
        RETRY,
        404,
    )


async def test_what_cannot_be_recorded_is_not_said_to_be_done(guarded: World) -> None:
    """The record is durable before the answer."""
    guarded.boxes.away = True

    assert await status(guarded, RETRY, OPERATOR, "POST") == 503


async def test_timelines_name_whose_token_it_was(guarded: World) -> None:
    """Whatever name is given in the body: only who has no token may say who he is."""
    body = {"matchers": ["service=x"], "duration": "1h", "author": "the boss"}
    headers = {"Authorization": f"Bearer {OPERATOR}"}
    async with guarded.client.post("/api/v1/silences", json=body, headers=headers) as answer:
        assert (await answer.json())["author"] == "bot"


async def test_another_configuration_holds_at_once(guarded: World) -> None:
    """A token that is taken out by a reload lets nobody in any more."""
    assert await status(guarded, "/api/v1/stats", VIEWER) == 200

    guarded.access = TOKENS.model_copy(update={"tokens": TOKENS.tokens[1:]})

    assert await status(guarded, "/api/v1/stats", VIEWER) == 401


def test_old_months_go_whole() -> None:
    """A month is kept for more than a year, and is then gone with all its lines."""
    core = correlation_core()
    core.tell(Audited(NOON, "bot", "operator", "POST", RETRY, 200))
    core.tell(Audited(NOON + 40 * 86_400_000, "bot", "operator", "POST", RETRY, 200))
    assert sorted(core.logs) == [audit_log("2024-01"), audit_log("2024-02")]

    core.pass_time(NOON + KEEP)

    assert sorted(core.logs) == [audit_log("2024-02")]


@pytest.mark.parametrize(
    ("config", "role"),
    [
        (ApiConfig(), Role.ADMIN),
        (TOKENS, None),
        (TOKENS.model_copy(update={"anonymous": Role.VIEWER}), Role.VIEWER),
    ],
)
def test_what_may_be_done_without_a_token(config: ApiConfig, role: Role | None) -> None:
    assert config.without_token == role
