"""Amazon CloudWatch alarms by way of SNS: in its envelope, bare (raw delivery), or in the records of a Lambda.

The confirmation of a subscription is only told apart here; whoever asked for it confirms it.

https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
"""

from __future__ import annotations

from domain.alert import Alert, AlertState
from ingest.sources import aws_eventbridge
from ingest.sources.body import BadBody, NotJson
from ingest.sources.build import Finding, build
from ingest.sources.cloudwatch import alarm_of_message
from ingest.sources.loose import first_line, moment, plain
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post, each

TITLE = "Amazon CloudWatch (SNS)"

HANDSHAKES = {
    "SubscriptionConfirmation": "subscription_confirmation",
    "UnsubscribeConfirmation": "unsubscribe_confirmation",
}


def parse(post: Post) -> Parsed:
    """Read one message. SNS calls it text/plain, whatever is in it.

    Raises:
        BadBody: if it is not from SNS.
    """
    if post.headers.get("x-amz-sns-rawdelivery", "").lower() == "true":
        return _message(post, _raw(post))
    document = Node.json(post.body)
    if "Records" in document:
        records = document["Records"].items()
        return each(records, lambda place: _one(post, records[place]["Sns"]), "Records")
    kind = document["Type"].text()
    if word := HANDSHAKES.get(kind):
        document["SubscribeURL"].required()
        return Parsed(nothing=word)
    if kind == "Notification":
        return _message(post, document)
    # Raw delivery whose header was lost on the way.
    if "AlarmName" in document or "detail" in document:
        return _message(post, _raw(post))
    raise document["Type"].fault("should be Notification or a confirmation")


def _raw(post: Post) -> Node:
    """Put a bare message in an envelope, with what SNS says of it in headers."""
    text = post.body.decode("utf-8-sig", "replace")
    return Node({"Message": text, "TopicArn": post.headers.get("x-amz-sns-topic-arn")})


def _one(post: Post, envelope: Node) -> Alert | None:
    alerts = _message(post, envelope).alerts
    return alerts[0] if alerts else None


def _message(post: Post, envelope: Node) -> Parsed:
    text = envelope["Message"].required()
    try:
        message = Node(Node.json(text.encode("utf-8", "replace")).value, envelope["Message"].path)
    except NotJson:
        message = Node({})
    if "AlarmName" in message:
        return Parsed([build(post, alarm_of_message(message, plain(envelope["TopicArn"])))])
    if "detail" in message:
        return aws_eventbridge.event(post, message)
    return Parsed([build(post, _notice(text, envelope))])


def _notice(text: str, envelope: Node) -> Finding:
    """Read any other message of a topic: something to look at, that has no end.

    Only AWS Backup says how it went, in an attribute.
    """
    topic = plain(envelope["TopicArn"])
    name = plain(envelope["Subject"]) or first_line(text)
    if not name:
        raise BadBody("is empty", envelope["Message"].path)
    attributes = {key: plain(value["Value"]) for key, value in envelope["MessageAttributes"].fields()}
    return Finding(
        identity="/".join(filter(None, [topic, name, attributes.get("Id")])),
        state=AlertState.RESOLVED if attributes.get("State") == "COMPLETED" else AlertState.FIRING,
        name=name,
        summary=first_line(text) or name,
        description=text,
        labels={**attributes, "topic": topic.rpartition(":")[2]},
        starts_at=moment(envelope["Timestamp"]),
    )
