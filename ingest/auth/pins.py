"""The addresses that Tocsin may fetch because of what a request says. There are no others.

Each is matched as a whole, so that no two readers of URLs can disagree on its host.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs

Cloud = Literal["public", "us_government", "china"]

LOGIN_HOSTS: dict[Cloud, str] = {
    "public": "login.microsoftonline.com",
    "us_government": "login.microsoftonline.us",
    "china": "login.partner.microsoftonline.cn",
}
ACTION_GROUPS = "461e8683-5575-4561-ac7f-899cc907d62a"
"""The application that Azure Monitor's action groups call as, the same in every tenant."""

TENANT = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

_REGION = "[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-[0-9]{1,2}"
_SNS = rf"https://sns\.{_REGION}\.amazonaws\.com(?:\.cn)?"
_ARN = re.compile(rf"arn:(aws[a-z-]{{0,12}}):sns:({_REGION}):[0-9]{{12}}:[A-Za-z0-9_-]{{1,256}}(?:\.fifo)?")
_CERTIFICATE = re.compile(rf"{_SNS}/[A-Za-z0-9_-]{{1,200}}\.pem")
_SUBSCRIBE = re.compile(rf"{_SNS}/\?([A-Za-z0-9_.:%&=+~-]{{1,2048}})")
_LOGIN = "|".join(re.escape(host) for host in LOGIN_HOSTS.values())
_KEYS = re.compile(rf"https://(?:{_LOGIN})/{TENANT}/discovery/v2\.0/keys")


@dataclass(frozen=True, slots=True)
class Topic:
    """An SNS topic, and the host that speaks for it."""

    arn: str
    host: str


def read_topic(arn: str) -> Topic | None:
    """Read the name of a topic; None if it is none.

    >>> read_topic("arn:aws-cn:sns:cn-north-1:123456789012:alarms").host
    'sns.cn-north-1.amazonaws.com.cn'
    """
    match = _ARN.fullmatch(arn)
    if match is None:
        return None
    china = ".cn" if match[1] == "aws-cn" else ""
    return Topic(arn, f"sns.{match[2]}.amazonaws.com{china}")


def is_certificate(url: str, topic: Topic) -> bool:
    """Tell whether *url* is that of a certificate on the topic's own host."""
    return bool(_CERTIFICATE.fullmatch(url)) and url.startswith(f"https://{topic.host}/")


def is_subscription(url: str, topic: Topic) -> bool:
    """Tell whether *url* confirms a subscription to this topic, and on its own host."""
    match = _SUBSCRIBE.fullmatch(url)
    if match is None or not url.startswith(f"https://{topic.host}/"):
        return False
    said = parse_qs(match[1])
    return said.get("Action") == ["ConfirmSubscription"] and said.get("TopicArn") == [topic.arn]


def keys_of(cloud: Cloud, tenant: str) -> str:
    """Give the address of the keys that Entra ID signs a tenant's tokens with."""
    return f"https://{LOGIN_HOSTS[cloud]}/{tenant}/discovery/v2.0/keys"


def is_pinned(url: str) -> bool:
    """Tell whether *url* is one that may be fetched at all."""
    return any(pattern.fullmatch(url) for pattern in (_CERTIFICATE, _SUBSCRIBE, _KEYS))
