"""Keys of others, made for the tests: SNS's certificate and messages, Entra ID's keys and tokens."""

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import RSAKey

from domain.errors import Unavailable
from tests.ingest.auth.showing import NOW

HOST = "https://sns.eu-central-1.amazonaws.com"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:alarms"
CERTIFICATE_URL = f"{HOST}/SimpleNotificationService-0123abcd.pem"
CONFIRM_URL = f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f"
TENANT = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
KEYS_URL = f"https://login.microsoftonline.com/{TENANT}/discovery/v2.0/keys"
AUDIENCE = "api://tocsin"
CALLER = "461e8683-5575-4561-ac7f-899cc907d62a"

Message = dict[str, Any]


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """Make a key, the same for the same *name* in a run."""
    return rsa.generate_private_key(65537, 2048)


def certificate(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, days: int = 30) -> bytes:
    """Make a certificate that holds a day before and *days* after now."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.fromtimestamp(NOW / 1000, UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = (
        builder.serial_number(1)
        .not_valid_before(now - timedelta(days=9))
        .not_valid_after(now + timedelta(days))
    )
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM)


def notification(**fields: str | None) -> Message:
    """Write a notification, unsigned."""
    message = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Subject": "ALARM: cpu",
        "Message": '{"AlarmName":"Prüfung"}',
        "Timestamp": "2024-05-14T08:21:31.000Z",
        "SignatureVersion": "1",
        "SigningCertURL": CERTIFICATE_URL,
    }
    return {name: value for name, value in {**message, **fields}.items() if value is not None}


def handshake(**fields: str | None) -> Message:
    """Write a confirmation of a subscription, unsigned."""
    more = {"Type": "SubscriptionConfirmation", "Token": "2336412f", "SubscribeURL": CONFIRM_URL}
    return notification(**{**more, "Subject": None, **fields})


def seal(message: Message, key: rsa.RSAPrivateKey | None = None, **after: Any) -> bytes:
    """Sign as AWS documents it; *after* is changed afterwards."""
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
    algorithm = SHA1() if message["SignatureVersion"] == "1" else SHA256()
    signature = (key or rsa_key("sns")).sign(text.encode(), PKCS1v15(), algorithm)
    return json.dumps({**message, "Signature": b64encode(signature).decode(), **after}).encode()


def key_set(*names: str) -> bytes:
    """Publish keys as Entra ID does."""
    keys = [{**jwk(name).as_dict(private=False), "use": "sig", "issuer": "x", "x5t": name} for name in names]
    return json.dumps({"keys": keys}).encode()


@cache
def jwk(name: str) -> RSAKey:
    """Make a key with its id, the same for the same *name* in a run."""
    return RSAKey.generate_key(2048, {"kid": name}, private=True)


def token(key: str = "entra", head: dict[str, Any] | None = None, **claims: Any) -> str:
    """Make a token; a claim that is None is left out."""
    seconds = NOW // 1000
    usual = {
        "aud": AUDIENCE,
        "iss": f"https://sts.windows.net/{TENANT}/",
        "iat": seconds - 60,
        "nbf": seconds - 60,
        "exp": seconds + 3600,
        "appid": CALLER,
        "roles": ["ActionGroupsSecureWebhook"],
    }
    said = {name: value for name, value in {**usual, **claims}.items() if value is not None}
    return jwt.encode({"alg": "RS256", "kid": key, **(head or {})}, said, jwk(key), algorithms=["RS256"])


class Web:
    """Answers as told, and keeps what was asked for."""

    def __init__(self, pages: dict[str, bytes] | None = None) -> None:
        self.pages = pages or {}
        self.asked: list[str] = []

    async def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        if url not in self.pages:
            raise Unavailable("there is nothing")
        return self.pages[url]
