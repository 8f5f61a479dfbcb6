"""HMAC in a header: how senders write it, and what else they may send."""

import gzip
import hashlib
import hmac
from base64 import b64encode
from typing import Any

import pytest

from ingest.auth import Authenticator, Result
from ingest.auth.signatures import HmacRule, HmacSignature
from tests.ingest.auth.showing import BODY, NOW, show

SECONDS = str(NOW // 1000)


def sign(message: bytes = BODY, secret: str = "hush", algorithm: str = "sha256") -> str:
    return hmac.new(secret.encode(), message, getattr(hashlib, algorithm)).hexdigest()


def scheme(*secrets: str, **rule: object) -> HmacSignature:
    return HmacSignature(HmacRule(header="X-Sig", **rule), secrets or ["hush"])  # type: ignore[arg-type]


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_every_algorithm_and_encoding(algorithm):
    digits = sign(algorithm=algorithm)
    in_base64 = b64encode(bytes.fromhex(digits)).decode()
    assert scheme(algorithm=algorithm).check(show({"X-Sig": digits})).accepted
    assert scheme(algorithm=algorithm, encoding="base64").check(show({"X-Sig": in_base64})).accepted
    assert (
        scheme(algorithm=algorithm, encoding="base64").check(show({"X-Sig": in_base64.rstrip("=")})).accepted
    )


@pytest.mark.parametrize(
    ("header", "result"),
    [
        (sign(), "malformed"),
        (f"v1={sign()}", "accepted"),
        (f"v1={sign().upper()}", "accepted"),
        (f"v1={sign(b'other')}", "wrong"),
        (f"v1={sign()[:-2]}", "wrong"),
        (f"v1={sign(b'other')}, v1={sign()}", "accepted"),
        (f"v2={sign()},v1={sign(secret='older')}", "accepted"),
        (f"v2={sign()}", "malformed"),
        ("v1=", "malformed"),
        ("v1=zz,v1=\xfc,", "malformed"),
        ("", "no_credentials"),
        ("v1=00," * 16 + f"v1={sign()}", "wrong"),
    ],
)
def test_a_list_of_signatures_with_prefixes(header, result):
    """PagerDuty's way; what does not fit is passed over, and no more than 16 are read."""
    assert scheme("hush", "older", prefix="v1=").check(show({"X-Sig": header})).result == result


def test_without_the_header():
    assert scheme().check(show()).result is Result.NO_CREDENTIALS


def test_an_empty_body_is_signed_too():
    assert scheme().check(show({"X-Sig": sign(b"")}, b"")).accepted


def test_a_packed_body_is_signed_as_sent_or_unpacked():
    packed = gzip.compress(BODY)
    for signed in (packed, BODY):
        assert scheme().check(show({"X-Sig": sign(signed)}, BODY, sent=packed)).accepted
    assert scheme().check(show({"X-Sig": sign(b"other")}, BODY, sent=packed)).result is Result.WRONG


TIMED = {"timestamp_header": "X-Time", "signed": "{timestamp}:{body}", "tolerance": 300_000}


def timed(moment: str, message: bytes | None = None, **others: Any):
    signed = moment.encode() + b":" + BODY if message is None else message
    return show({"X-Sig": sign(signed), "X-Time": moment}, **others)


@pytest.mark.parametrize(
    ("off", "result"),
    [(0, "accepted"), (300, "accepted"), (-300, "accepted"), (301, "expired"), (-301, "expired")],
)
def test_the_signed_time_must_be_of_now(off, result):
    verdict = scheme(**TIMED).check(timed(str(NOW // 1000 + off)))
    assert verdict.result == result
    assert verdict.authentic == (result == "accepted")


@pytest.mark.parametrize(
    "moment", [str(NOW), "2024-05-14T08:21:31Z", "2024-05-14T10:21:31+02:00", f"{SECONDS}.5"]
)
def test_times_in_other_units(moment):
    assert scheme(**TIMED).check(timed(moment)).accepted


@pytest.mark.parametrize("moment", ["soon", "1e999", "9" * 15, "-5", "٣٣٣"])
def test_times_that_cannot_be_used(moment):
    assert scheme(**TIMED).check(timed(moment)).result in {Result.MALFORMED, Result.EXPIRED}


def test_a_time_that_is_not_the_signed_one():
    shown = show({"X-Sig": sign(b"1:" + BODY), "X-Time": SECONDS})
    assert scheme(**TIMED).check(shown).result is Result.WRONG
    assert scheme(**TIMED).check(show({"X-Sig": sign()})).result is Result.MALFORMED


async def test_what_was_taken_is_not_taken_again():
    """Only once it was taken: after a failure the sender must be able to repeat it."""
    auth = Authenticator(schemes=[scheme("new", "hush", **TIMED)])
    first = await auth.check(timed(SECONDS))
    again = await auth.check(timed(SECONDS))
    assert (first.result, again.result) == ("accepted", "accepted")
    auth.remember(again, NOW)
    assert (await auth.check(timed(SECONDS))).result is Result.REPLAYED
    # The same message with another of its signatures is the same message.
    message = SECONDS.encode() + b":" + BODY
    other = show({"X-Sig": f"{sign(message, 'new')}, {sign(message)}", "X-Time": SECONDS})
    assert (await auth.check(other)).result is Result.REPLAYED
    assert (await auth.check(timed(str(NOW // 1000 + 1)))).accepted
    assert (await auth.check(timed(SECONDS, now=NOW + 300_001))).result is Result.EXPIRED


async def test_without_a_time_equal_bodies_are_different_messages():
    auth = Authenticator(schemes=[scheme()])
    verdict = await auth.check(show({"X-Sig": sign()}))
    auth.remember(verdict, NOW)
    assert (await auth.check(show({"X-Sig": sign()}))).accepted


def test_an_id_may_be_signed():
    rule = {**TIMED, "signed": "{id}.{timestamp}.{body}", "id_header": "X-Id"}
    message = b"m1." + SECONDS.encode() + b"." + BODY
    shown = show({"X-Sig": sign(message), "X-Time": SECONDS, "X-Id": "m1"})
    assert scheme(**rule).check(shown).accepted
    shown = show({"X-Sig": sign(message), "X-Time": SECONDS, "X-Id": "m2"})
    assert scheme(**rule).check(shown).result is Result.WRONG
