"""Standard Webhooks, signed by its reference library."""

from base64 import b64encode
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook

from ingest.auth import Authenticator, Result
from ingest.auth.ed25519 import Ed25519Key
from ingest.auth.standard_webhooks import StandardWebhooks, read_secret
from tests.ingest.auth.showing import BODY, NOW, show

SECRET = "whsec_" + b64encode(b"n" * 24).decode()
OLD = "whsec_" + b64encode(b"o" * 32).decode()
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = "whpk_" + b64encode(KEY.public_key().public_bytes_raw()).decode()
BOTH = StandardWebhooks([read_secret(SECRET), read_secret(OLD)], [Ed25519Key(PUBLIC)], 300_000)


def symmetric(
    secret: str = SECRET, seconds: int = NOW // 1000, name: str = "msg_1", body: bytes = BODY
) -> str:
    return Webhook(secret).sign(name, datetime.fromtimestamp(seconds, UTC), body.decode())


def asymmetric(seconds: int = NOW // 1000, name: str = "msg_1", key: Ed25519PrivateKey = KEY) -> str:
    return "v1a," + b64encode(key.sign(f"{name}.{seconds}.".encode() + BODY)).decode()


def signed(
    signature: str, seconds: object = NOW // 1000, name: str = "msg_1", prefix: str = "Webhook-", **others
):
    headers = {"id": name, "timestamp": str(seconds), "signature": signature}
    return show({prefix + key: value for key, value in headers.items()}, **others)


@pytest.mark.parametrize(
    ("signature", "result"),
    [
        (symmetric(), "accepted"),
        (symmetric(OLD), "accepted"),
        (asymmetric(), "accepted"),
        (f"v1,AAAA v2,xx {symmetric()}", "accepted"),
        (f"v1a,AAAA {asymmetric()}", "accepted"),
        (f"{symmetric(OLD)} {asymmetric()}", "accepted"),
        (symmetric(body=b"other"), "wrong"),
        (symmetric(name="msg_2"), "wrong"),
        (symmetric(seconds=NOW // 1000 - 1), "wrong"),
        (asymmetric(name="msg_2"), "wrong"),
        (asymmetric(key=Ed25519PrivateKey.from_private_bytes(b"x" * 32)), "wrong"),
        (symmetric().replace("v1,", "v1a,"), "wrong"),
        (asymmetric().replace("v1a,", "v1,"), "wrong"),
        (symmetric().replace("v1,", "v2,"), "malformed"),
        (symmetric().removeprefix("v1,"), "malformed"),
        ("v1,!!! v1,, ,v1 v1", "malformed"),
        ("", "no_credentials"),
    ],
)
def test_signatures(signature, result):
    assert BOTH.check(signed(signature)).result == result


@pytest.mark.parametrize(
    ("off", "result"),
    [(300, "accepted"), (-300, "accepted"), (301, "expired"), (-301, "expired")],
)
def test_the_tolerance(off, result):
    moment = NOW // 1000 + off
    assert BOTH.check(signed(symmetric(seconds=moment), moment)).result == result
    assert BOTH.check(signed(asymmetric(seconds=moment), moment)).result == result


def test_headers_that_are_missing_or_no_numbers():
    assert BOTH.check(signed(symmetric(), "")).result is Result.MALFORMED
    assert BOTH.check(signed(symmetric(), "now")).result is Result.MALFORMED
    assert BOTH.check(signed(symmetric(), name="")).result is Result.MALFORMED


def test_the_older_names_of_the_headers():
    assert BOTH.check(signed(symmetric(), prefix="Svix-")).accepted


async def test_an_id_is_taken_once_however_it_is_signed_again():
    """A sender repeats a message with a new timestamp; that prolongs the time in which it is known."""
    auth = Authenticator(schemes=[BOTH])
    auth.remember(await auth.check(signed(symmetric())), NOW)
    later = NOW // 1000 + 200
    repeated = signed(symmetric(seconds=later), later, now=NOW + 200_000)
    assert (await auth.check(repeated)).result is Result.REPLAYED
    stolen = signed(symmetric(seconds=later), later, now=NOW + 450_000)
    assert (await auth.check(stolen)).result is Result.REPLAYED
    assert (await auth.check(signed(symmetric(name="msg_2"), name="msg_2"))).accepted


@pytest.mark.parametrize("secret", ["whsec_", "whsec_!!!!", "whsec_aHVzaA==", ""])
def test_bad_secrets_are_told_without_showing_them(secret):
    with pytest.raises(ValueError, match="base64") as caught:
        read_secret(secret)
    assert not secret.removeprefix("whsec_") or secret.removeprefix("whsec_") not in str(caught.value)


@pytest.mark.parametrize("key", ["whpk_", "whpk_AAAA", "whpk_!"])
def test_bad_public_keys(key):
    with pytest.raises(ValueError, match="public key"):
        Ed25519Key(key)
