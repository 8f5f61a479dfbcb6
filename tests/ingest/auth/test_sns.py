"""AWS SNS: signatures, certificates, handshakes, and what is never fetched."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from ingest.auth import Authenticator, Result
from ingest.auth.sns import Sns, Topics
from tests.ingest.auth.showing import NOW, show
from tests.ingest.auth.signing import (
    CERTIFICATE_URL,
    CONFIRM_URL,
    HOST,
    TOPIC,
    Web,
    certificate,
    handshake,
    notification,
    rsa_key,
    seal,
)

HOUR = 3_600_000


def web(**pages: bytes) -> Web:
    return Web({CERTIFICATE_URL: certificate(rsa_key("sns")), **pages})


def auth(fetch: Web, *topics: str, confirm: bool = True) -> Authenticator:
    scheme = Sns(Topics(topics or [TOPIC]), fetch, tolerance=HOUR, confirm=confirm)
    return Authenticator(schemes=[scheme], fetch=fetch)


async def ask(body: bytes, now: int = NOW, fetch: Web | None = None) -> str:
    return (await auth(fetch or web()).check(show({}, body, now=now))).result


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("subject", ["ALARM: cpu", "", None])
async def test_both_versions_with_a_subject_or_without(version, subject):
    assert await ask(seal(notification(SignatureVersion=version, Subject=subject))) == "accepted"


@pytest.mark.parametrize(
    "field", ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type", "Signature"]
)
async def test_whatever_is_signed_cannot_be_changed(field):
    changes = {"TopicArn": TOPIC + "-2", "Type": "SubscriptionConfirmation", "Signature": "AAAA"}
    change: dict[str, Any] = {field: changes.get(field, "2024-05-14T08:21:30.000Z")}
    body = seal(notification(), **change)
    verdict = await auth(web(), TOPIC, TOPIC + "-2").check(show({}, body))
    assert verdict.result is Result.WRONG


async def test_another_key_or_version_is_wrong():
    assert await ask(seal(notification(), rsa_key("other"))) == "wrong"
    assert await ask(seal(notification(), SignatureVersion="2")) == "wrong"
    assert await ask(seal(notification(), Signature="!!")) == "malformed"
    assert await ask(seal(notification(), SignatureVersion="3")) == "malformed"
    assert await ask(seal(notification(), Type="Other")) == "malformed"


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"Type":1}', json.dumps(notification()).encode()],
)
async def test_what_is_no_signed_message(body):
    assert await ask(body) == "no_credentials"


async def test_messages_of_another_time_have_expired():
    assert await ask(seal(notification()), NOW + HOUR) == "accepted"
    assert await ask(seal(notification()), NOW + HOUR + 1000) == "expired"
    assert await ask(seal(notification()), NOW - HOUR - 1000) == "expired"
    assert await ask(seal(notification(Timestamp="soon"))) == "malformed"


async def test_a_certificate_that_does_not_hold_now():
    late = web()
    late.pages[CERTIFICATE_URL] = certificate(rsa_key("sns"), days=-1)
    assert await ask(seal(notification()), fetch=late) == "expired"


@pytest.mark.parametrize("page", [b"", b"<html>", certificate(ec.generate_private_key(ec.SECP256R1()))])
async def test_what_is_no_certificate_of_rsa(page):
    broken = Web({CERTIFICATE_URL: page})
    assert await ask(seal(notification()), fetch=broken) == "unavailable"


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-central-1.amazonaws.com/a.pem",
        "https://sns.eu-central-1.amazonaws.com.evil.example/a.pem",
        "https://sns.eu-central-1.amazonaws.com@evil.example/a.pem",
        "https://evil.example/sns.eu-central-1.amazonaws.com/a.pem",
        "https://sns.eu-central-1.amazonaws.com:444/a.pem",
        "https://sns.eu-central-1.amazonaws.com/a.pem?x=.pem",
        "https://sns.eu-central-1.amazonaws.com/a.pem#.pem",
        "https://sns.eu-central-1.amazonaws.com/?Action=x&y=.pem",
        "https://sns.eu-central-1.amazonaws.com/../a.pem",
        "https://sns.eu-central-1.amazonaws.com/a.pem\n",
        "https://sns.eu-central-1.amazonaws.com/a.txt",
        "https://sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-central-1.amazonaws.com.cn/a.pem",
        "https://SNS.eu-central-1.amazonaws.com/a.pem",
        "https://s3.eu-central-1.amazonaws.com/a.pem",
        "file:///etc/passwd.pem",
        "https://169.254.169.254/a.pem",
        "",
    ],
)
async def test_no_certificate_is_fetched_from_elsewhere(url):
    fetch = web()
    fetch.pages[url] = certificate(rsa_key("evil"))
    body = seal(notification(SigningCertURL=url), rsa_key("evil"))
    assert await ask(body, fetch=fetch) == "wrong"
    assert fetch.asked == []


@pytest.mark.parametrize(
    "topic",
    [
        "arn:aws:sns:eu-central-1:123456789012:alarms2",
        "arn:aws:sns:eu-central-1:999999999999:alarms",
        "arn:aws:sns:x.evil.example/:123456789012:alarms",
        "alarms",
        "",
    ],
)
async def test_nothing_is_fetched_for_other_topics(topic):
    fetch = web()
    assert await ask(seal(notification(TopicArn=topic)), fetch=fetch) == "wrong"
    assert fetch.asked == []


async def test_topics_with_a_star():
    some = auth(web(), "arn:aws:sns:*:123456789012:al*")
    assert (await some.check(show({}, seal(notification())))).accepted
    other = "arn:aws:sns:eu-central-1:123456789012:other"
    assert (await some.check(show({}, seal(notification(TopicArn=other))))).result is Result.WRONG


async def test_the_certificate_is_fetched_once():
    fetch = web()
    source = auth(fetch)
    for number in range(5):
        assert (await source.check(show({}, seal(notification(MessageId=str(number)))))).accepted
    assert fetch.asked == [CERTIFICATE_URL]


async def test_a_certificate_that_cannot_be_fetched_is_asked_for_again_a_minute_later():
    fetch = Web()
    source = auth(fetch)
    assert (await source.check(show({}, seal(notification())))).result is Result.UNAVAILABLE
    assert (await source.check(show({}, seal(notification())))).result is Result.UNAVAILABLE
    assert len(fetch.asked) == 1
    fetch.pages[CERTIFICATE_URL] = certificate(rsa_key("sns"))
    assert (await source.check(show({}, seal(notification()), now=NOW + 60_000))).accepted


async def test_a_message_is_taken_once():
    source = auth(web())
    source.remember(await source.check(show({}, seal(notification()))), NOW)
    assert (await source.check(show({}, seal(notification())))).result is Result.REPLAYED
    assert (await source.check(show({}, seal(notification(MessageId="2"))))).accepted


async def test_a_subscription_to_an_allowed_topic_is_confirmed():
    fetch = web()
    source = auth(fetch)
    verdict = await source.check(show({}, seal(handshake())))
    assert verdict.accepted
    assert verdict.confirm
    assert verdict.confirm.url == CONFIRM_URL
    fetch.pages[CONFIRM_URL] = b"<ok/>"
    await source.confirm(verdict.confirm)
    assert fetch.asked == [CERTIFICATE_URL, CONFIRM_URL]


@pytest.mark.parametrize(
    "url",
    [
        f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}2&Token=2336412f",
        f"{HOST}/?Action=DeleteTopic&TopicArn={TOPIC}&Token=2336412f",
        f"{HOST}/?Action=ConfirmSubscription&Action=DeleteTopic&TopicArn={TOPIC}",
        f"{HOST}/x?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f",
        CONFIRM_URL.replace("eu-central-1.", "eu-west-1."),
        CONFIRM_URL.replace("https", "http"),
        CONFIRM_URL.replace(".com/", ".com@evil.example/"),
        CONFIRM_URL + "#",
        "https://evil.example/",
        "",
    ],
)
async def test_a_subscription_is_confirmed_nowhere_else(url):
    """Even where the message is authentic."""
    fetch = web()
    source = auth(fetch)
    verdict = await source.check(show({}, seal(handshake(SubscribeURL=url))))
    assert verdict.accepted
    assert verdict.confirm
    assert not verdict.confirm.url
    assert verdict.confirm.reason
    await source.confirm(verdict.confirm)
    assert fetch.asked == [CERTIFICATE_URL]


async def test_what_else_is_not_confirmed():
    ended = await auth(web()).check(show({}, seal(handshake(Type="UnsubscribeConfirmation"))))
    unwanted = await auth(web(), confirm=False).check(show({}, seal(handshake())))
    for verdict in (ended, unwanted):
        assert verdict.accepted
        assert verdict.confirm
        assert not verdict.confirm.url
    forged = await auth(web()).check(show({}, seal(handshake(), rsa_key("other"))))
    assert (forged.result, forged.confirm) == ("wrong", None)
    assert (await auth(web()).check(show({}, seal(notification())))).confirm is None
