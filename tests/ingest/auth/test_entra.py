"""Tokens of Entra ID."""

import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any, get_args

import pytest

from ingest.auth import Authenticator, Result
from ingest.auth.entra import Entra, EntraRule
from ingest.auth.pins import Cloud, is_pinned, keys_of
from tests.ingest.auth.showing import NOW, show
from tests.ingest.auth.signing import AUDIENCE, CALLER, KEYS_URL, TENANT, Web, jwk, key_set, token

SECONDS = NOW // 1000
LEEWAY = 60


def auth(fetch: Web, **rule: object) -> Authenticator:
    given = {"tenant": TENANT, "audiences": [AUDIENCE], **rule}
    return Authenticator(schemes=[Entra(EntraRule(**given), fetch)])  # type: ignore[arg-type]


async def ask(text: str, fetch: Web | None = None, now: int = NOW, **rule: object) -> str:
    source = auth(fetch or Web({KEYS_URL: key_set("entra")}), **rule)
    return (await source.check(show({"Authorization": f"Bearer {text}"}, now=now))).result


async def test_both_versions_of_tokens():
    assert await ask(token()) == "accepted"
    second: dict[str, Any] = {
        "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
        "appid": None,
        "azp": CALLER,
    }
    assert await ask(token(**second)) == "accepted"
    assert await ask(token(aud=["other", AUDIENCE])) == "accepted"


@pytest.mark.parametrize(
    ("claims", "result"),
    [
        ({"aud": "api://other"}, "wrong"),
        ({"aud": None}, "wrong"),
        ({"aud": 7}, "wrong"),
        ({"iss": f"https://sts.windows.net/{TENANT[::-1]}/"}, "wrong"),
        ({"iss": f"https://sts.windows.net/{TENANT}"}, "wrong"),
        ({"iss": None}, "wrong"),
        ({"exp": SECONDS - LEEWAY + 1}, "accepted"),
        ({"exp": SECONDS - LEEWAY}, "expired"),
        ({"exp": None}, "wrong"),
        ({"exp": "never"}, "wrong"),
        ({"nbf": SECONDS + LEEWAY}, "accepted"),
        ({"nbf": SECONDS + LEEWAY + 1}, "expired"),
        ({"appid": "11111111-2222-3333-4444-555555555555"}, "wrong"),
        ({"appid": None}, "wrong"),
        ({"appid": CALLER.upper()}, "accepted"),
    ],
)
async def test_claims(claims, result):
    assert await ask(token(**claims)) == result


async def test_roles_and_callers_as_configured():
    assert await ask(token(appid="x"), callers=[]) == "accepted"
    assert await ask(token(), roles=["ActionGroupsSecureWebhook"]) == "accepted"
    assert await ask(token(roles=["Other"]), roles=["ActionGroupsSecureWebhook"]) == "wrong"
    for roles in (None, "ActionGroupsSecureWebhook", 7):
        assert await ask(token(roles=roles), roles=["ActionGroupsSecureWebhook"]) == "wrong"


def _encode(value: object) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "text",
    [
        "hush",
        "a.b.c",
        "..",
        f"{_encode({'alg': 'none', 'kid': 'entra'})}.{_encode({'aud': AUDIENCE})}.",
        f"{_encode({'alg': 'RS256'})}.{_encode({})}.x",
        f"{_encode({'alg': 'RS256', 'kid': 7})}.{_encode({})}.x",
        f"{_encode([])}.{_encode({})}.x",
        "x" * 20_000 + "..",
        "\udcff.\udcff.\udcff",
    ],
)
async def test_what_is_no_token(text):
    """Nothing is fetched for it."""
    fetch = Web({KEYS_URL: key_set("entra")})
    assert await ask(text, fetch) == "malformed"
    assert fetch.asked == []


async def test_signatures_that_are_not_theirs():
    forged = token("other", head={"kid": "entra"})
    assert await ask(forged) == "wrong"
    head, claims, signature = token().split(".")
    assert await ask(f"{head}.{claims}.") == "wrong"
    assert await ask(f"{head}.{_encode({'aud': AUDIENCE})}.{signature}") == "wrong"
    assert await ask(f"{head}.{claims}.!") == "wrong"


async def test_a_public_key_is_no_secret():
    """The oldest trick: an HMAC keyed with the public key."""
    signed = f"{_encode({'alg': 'HS256', 'kid': 'entra'})}.{_encode({'aud': AUDIENCE})}"
    mac = hmac.digest(jwk("entra").as_pem(private=False), signed.encode(), "sha256")
    forged = f"{signed}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    assert await ask(forged) == "malformed"


async def test_keys_are_fetched_once_and_anew_for_a_new_key():
    fetch = Web({KEYS_URL: key_set("entra")})
    source = auth(fetch)

    async def with_key(name: str, now: int) -> str:
        return (await source.check(show({"Authorization": f"bearer {token(name)}"}, now=now))).result

    assert await with_key("entra", NOW) == "accepted"
    assert await with_key("entra", NOW + 30_000) == "accepted"
    fetch.pages[KEYS_URL] = key_set("entra", "next")
    assert await with_key("next", NOW + 30_000) == "wrong"  # asked for too lately
    assert len(fetch.asked) == 1
    assert await with_key("next", NOW + 60_000) == "accepted"
    assert await with_key("unknown", NOW + 61_000) == "wrong"
    assert fetch.asked == [KEYS_URL, KEYS_URL]


async def test_without_keys_the_sender_should_try_again():
    assert await ask(token(), Web()) == "unavailable"
    for page in (
        b"",
        b"{}",
        b"[]",
        b'{"keys":[]}',
        b'{"keys":7}',
        b'{"keys":[7]}',
        b'{"keys":[{"kty":"RSA"}]}',
    ):
        assert await ask(token(), Web({KEYS_URL: page})) == "unavailable"


async def test_without_a_token():
    source = auth(Web())
    assert (await source.check(show())).result is Result.NO_CREDENTIALS
    assert (await source.check(show({"Authorization": "Basic x"}))).result is Result.NO_CREDENTIALS
    assert not source.reads_body


def test_every_cloud_has_a_pinned_address():
    for cloud in get_args(Cloud):
        assert is_pinned(keys_of(cloud, TENANT))
    assert not is_pinned(keys_of("public", "../evil"))
