"""AWS SNS: the X.509 signature in the body, and what to do about handshakes.

The certificate is trusted because of where it comes from: the topic's own SNS host, over HTTPS, as in
AWS's own validators.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from domain.times import Millis
from ingest.auth.compare import octets
from ingest.auth.fetched import Fetched
from ingest.auth.freshness import read_timestamp
from ingest.auth.pins import Topic, is_certificate, is_subscription, read_topic
from ingest.auth.scheme import Confirm, Fetch, Presented, Result, Verdict
from ingest.auth.signatures import from_base64, judge_age

NOTIFICATION = "Notification"
SUBSCRIPTION = "SubscriptionConfirmation"
UNSUBSCRIPTION = "UnsubscribeConfirmation"

_HASHES = {"1": SHA1(), "2": SHA256()}  # noqa: S303 - version 1 is SHA-1, and SNS's default
_SIGNED = {
    NOTIFICATION: ("message", "message_id", "subject", "timestamp", "topic_arn", "type"),
    SUBSCRIPTION: ("message", "message_id", "subscribe_url", "timestamp", "token", "topic_arn", "type"),
}
_SIGNED[UNSUBSCRIPTION] = _SIGNED[SUBSCRIPTION]

_NAMES = {"subscribe_url": "SubscribeURL", "signing_cert_url": "SigningCertURL"}


def _name(field: str) -> str:
    return _NAMES.get(field) or "".join(word.capitalize() for word in field.split("_"))


class Envelope(msgspec.Struct, frozen=True, rename=_name):
    """What SNS posts. Fields that are not signed and not used are left out."""

    type: str
    message: str
    message_id: str
    timestamp: str
    topic_arn: str
    signature: str
    signature_version: str
    signing_cert_url: str
    subject: str | None = None
    subscribe_url: str | None = None
    token: str | None = None


def read_envelope(body: bytes) -> Envelope | None:
    """Read what SNS posts; None if it is anything else."""
    try:
        return msgspec.json.decode(body, type=Envelope)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def canonical(envelope: Envelope) -> bytes:
    """Build what is signed: names and values, a line each, in the order of the names."""
    values = [(_name(field), getattr(envelope, field)) for field in _SIGNED[envelope.type]]
    return octets("".join(f"{name}\n{value}\n" for name, value in values if value is not None))


def decide_confirmation(envelope: Envelope, topic: Topic, *, wanted: bool = True) -> Confirm | None:
    """Decide on a handshake that is authentic and of an allowed topic; None if it is no handshake."""
    if envelope.type == NOTIFICATION:
        return None
    if envelope.type == UNSUBSCRIPTION:
        return Confirm(
            topic.arn, reason="the subscription was ended; nothing undoes that but subscribing again"
        )
    if not wanted:
        return Confirm(topic.arn, reason="subscriptions are not confirmed, as configured")
    url = envelope.subscribe_url or ""
    if not is_subscription(url, topic):
        return Confirm(topic.arn, reason="the SubscribeURL does not confirm this topic on its own host")
    return Confirm(topic.arn, url, "the subscription is to an allowed topic")


class Topics:
    """The topics that may post, exact or with ``*``."""

    def __init__(self, written: Iterable[str]) -> None:
        patterns = ("[^:]*".join(re.escape(piece) for piece in each.split("*")) for each in written)
        self._pattern = re.compile("|".join(patterns))

    def allow(self, arn: str) -> bool:
        """Tell whether this is one of them."""
        return bool(self._pattern.fullmatch(arn))


class Sns:
    """Checks the signature of a message of an allowed topic. Nothing is fetched for any other."""

    name = "sns"
    challenge = ""
    reads_body = True

    def __init__(self, topics: Topics, fetch: Fetch, *, tolerance: Millis, confirm: bool = True) -> None:
        self._topics = topics
        self._tolerance = tolerance
        self._confirm = confirm
        self._certificates = Fetched(fetch, read_certificate)

    async def prepare(self, presented: Presented) -> None:
        """Fetch the certificate, if the message names one that may be."""
        envelope = read_envelope(presented.body)
        if envelope is not None and self._topic_or_refusal(envelope)[0] is not None:
            await self._certificates.ensure(envelope.signing_cert_url, presented.now)

    def check(self, presented: Presented) -> Verdict:
        """Decide."""
        envelope = read_envelope(presented.body)
        if envelope is None:
            return self._say(Result.NO_CREDENTIALS, "the body is not a signed message of SNS")
        topic, refusal = self._topic_or_refusal(envelope)
        if topic is None:
            return refusal
        certificate = self._certificates.get(envelope.signing_cert_url)
        if certificate is None:
            return self._say(Result.UNAVAILABLE, "the certificate of SNS could not be fetched")
        fault = self._fault(envelope, certificate, presented.now)
        return self._accept(envelope, topic, presented.now) if fault is None else fault

    def _topic_or_refusal(self, envelope: Envelope) -> tuple[Topic | None, Verdict]:
        topic = read_topic(envelope.topic_arn)
        if envelope.type not in _SIGNED or envelope.signature_version not in _HASHES:
            return None, self._say(Result.MALFORMED, "the type or the signature version is unknown")
        if topic is None or not self._topics.allow(topic.arn):
            return None, self._say(
                Result.WRONG, f"the topic {envelope.topic_arn[:300]!r} is not an allowed one"
            )
        if not is_certificate(envelope.signing_cert_url, topic):
            return None, self._say(
                Result.WRONG, f"the certificate is not at {topic.host}, the topic's own host"
            )
        return topic, self._say(Result.ACCEPTED)

    def _fault(self, envelope: Envelope, certificate: Certificate, now: Millis) -> Verdict | None:
        signature = from_base64(envelope.signature)
        if signature is None:
            return self._say(Result.MALFORMED, "the signature is not base64")
        if not certificate.signed(signature, canonical(envelope), envelope.signature_version):
            return self._say(Result.WRONG, "the signature is not that of the message")
        if not certificate.holds_at(now):
            return self._say(Result.EXPIRED, "the certificate of SNS is not valid now")
        return None

    def _accept(self, envelope: Envelope, topic: Topic, now: Millis) -> Verdict:
        moment = read_timestamp(envelope.timestamp)
        verdict = judge_age(self.name, octets(envelope.message_id), moment, now, self._tolerance)
        if not verdict.accepted:
            return verdict
        confirm = decide_confirmation(envelope, topic, wanted=self._confirm)
        return Verdict(Result.ACCEPTED, self.name, once=verdict.once, confirm=confirm)

    def _say(self, result: Result, reason: str = "") -> Verdict:
        return Verdict(result, self.name, reason)


class Certificate:
    """The public key that SNS signs with, and when it may."""

    def __init__(self, certificate: x509.Certificate) -> None:
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise ValueError("the key of SNS is not RSA")  # noqa: TRY004 - the file is wrong, not a type
        self._key = key
        self._from = certificate.not_valid_before_utc
        self._until = certificate.not_valid_after_utc

    def holds_at(self, now: Millis) -> bool:
        """Tell whether it is valid."""
        return self._from <= datetime.fromtimestamp(now / 1000, UTC) <= self._until

    def signed(self, signature: bytes, message: bytes, version: str) -> bool:
        """Tell whether *signature* is of *message*."""
        try:
            self._key.verify(signature, message, PKCS1v15(), _HASHES[version])
        except (InvalidSignature, UnsupportedAlgorithm):
            return False
        return True


def read_certificate(pem: bytes) -> Certificate:
    """Read a certificate.

    Raises:
        ValueError: if it is none.
    """
    try:
        return Certificate(x509.load_pem_x509_certificate(pem))
    except UnsupportedAlgorithm as error:
        raise ValueError(f"the certificate cannot be used: {error}") from error
