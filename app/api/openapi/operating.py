"""What is said of the addresses at which operators ask for something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.api.command_shapes import IncidentAsked
from app.api.commands import AssignAsked, CommentAsked, MergeAsked, MoveAsked, SplitAsked
from app.api.openapi.operation import Content, Operation, refusals
from app.api.operators import Asked

_WHO = {"actor": "dana", "reason": "the cause is known"}
_ALERTS = ["prom/8f1f8a5c1d0c2b3e"]
_DURABLE = "It is on durable storage; what comes of it is on the incident's timeline."
_REFUSED = {
    "_400": "a parameter is not known, or the body is not what is wanted",
    "_404": "there is no such incident, or not any more",
    "_408": "the body did not arrive in time",
    "_409": "it cannot be done as things are: the answer says why",
    "_413": "the body is too large",
    "_503": "the store or the broker does not answer; come back after Retry-After",
}


def _ask(verb: str, summary: str, shape: Any = Asked, **more: Any) -> Mapping[str, Operation]:
    answer = {"id": "9f0a4c51b7d2e386", "asked": verb, "request": "5d1c"}
    return {
        "post": Operation(
            summary=f"{summary} A copy of a request, by its Idempotency-Key, changes nothing.",
            tag="incidents",
            takes=(Content(shape, {**_WHO, **more}),),
            answers={202: (_DURABLE, (Content(IncidentAsked, answer),)), **refusals(**_REFUSED)},
        )
    }


OPERATORS: Mapping[str, Mapping[str, Operation]] = {
    f"/api/v1/incidents/{{id}}/{verb}": said
    for verb, said in {
        "acknowledge": _ask("acknowledge", "Take an incident on."),
        "start": _ask("start", "Say that it is worked on."),
        "hold": _ask("hold", "Say that work has to wait."),
        "resolve": _ask(
            "resolve", "Say that it is over, whatever fires: it stays so until an alert fires anew."
        ),
        "close": _ask("close", "End it for good: what comes later opens another incident."),
        "reopen": _ask("reopen", "Have a resolved incident worked on after all."),
        "promote": _ask("promote", "Make it a major incident."),
        "demote": _ask("demote", "Make a major incident an ordinary one; no rule raises it again."),
        "comment": _ask("comment", "Tell all who work on it something: the reason.", CommentAsked),
        "assign": _ask("assign", "Say who works on it.", AssignAsked, assignee="dana"),
        "merge": _ask(
            "merge", "Have another incident live on in its place.", MergeAsked, into="1b9d62f04e8a7c53"
        ),
        "split": _ask("split", "Have some of its alerts be another incident.", SplitAsked, alerts=_ALERTS),
        "move": _ask(
            "move",
            "Have some of its alerts belong to another incident.",
            MoveAsked,
            into="1b9d62f04e8a7c53",
            alerts=_ALERTS,
        ),
    }.items()
}
