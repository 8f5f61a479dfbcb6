"""What is said of the addresses at which Tocsin is read and operated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.api import alerts, audit, incidents, parked, quarantine, reconcile, shadow, shapes, silences
from app.api.openapi import examples
from app.api.openapi.operation import ANYTHING, JSON, Content, Operation, refusals
from app.api.paging import LOG_PAGE, Parameter
from app.api.stats import Figures
from app.standing import Reloaded

_BAD = "a parameter is not known, or its value makes no sense"
_AWAY = "the store does not answer; come back after Retry-After"
_INCIDENT = "there is no such incident, or not any more"
_QUARANTINE = "there is nothing in quarantine with this id, or this process takes nothing in"
_PARKED = "no such ticket is parked"
_BINARY = "application/octet-stream"


def get(summary: str, tag: str, content: Content, missing: str = "", **more: Any) -> Operation:
    """Say what answers with one thing, or asks for something without a body."""
    problems = refusals(_400=_BAD, **({"_404": missing} if missing else {}), _503=_AWAY)
    return Operation(summary=summary, tag=tag, answers={200: ("It is so.", (content,)), **problems}, **more)


def page(
    summary: str, tag: str, shape: Any, item: Any, query: Mapping[str, Parameter], **more: Any
) -> Operation:
    """Say what answers with a page of a list."""
    return get(summary, tag, Content(shape, {"items": [item], "next": None}), query=query, **more)


INCIDENTS = {
    "/api/v1/incidents": {
        "get": page(
            "List incidents, the one opened last first.",
            "incidents",
            shapes.IncidentPage,
            examples.INCIDENT,
            incidents.LIST,
        )
    },
    "/api/v1/incidents/{id}": {
        "get": get(
            "Show an incident.", "incidents", Content(shapes.IncidentView, examples.INCIDENT), _INCIDENT
        )
    },
    "/api/v1/incidents/{id}/timeline": {
        "get": page(
            "Tell an incident's story, from its beginning.",
            "incidents",
            shapes.TimelinePage,
            examples.TIMELINE,
            LOG_PAGE,
            missing=_INCIDENT,
        )
    },
    "/api/v1/incidents/{id}/alerts": {
        "get": page(
            "List an incident's alerts, the one that joined first first.",
            "incidents",
            shapes.AlertPage,
            examples.ALERT,
            LOG_PAGE,
            missing=_INCIDENT,
        )
    },
    "/api/v1/alerts": {
        "get": page(
            "List alerts, the one first seen last first.",
            "alerts",
            shapes.AlertPage,
            examples.ALERT,
            alerts.LIST,
        )
    },
}

QUARANTINE = {
    "/api/v1/quarantine": {
        "get": page(
            "List requests that were not understood, the last received first.",
            "quarantine",
            shapes.QuarantinePage,
            examples.QUARANTINED,
            quarantine.LIST,
        )
    },
    "/api/v1/quarantine/{id}": {
        "get": get(
            "Show a request in quarantine with its body.",
            "quarantine",
            Content(shapes.QuarantineWhole, examples.QUARANTINED_WHOLE),
            _QUARANTINE,
        ),
        "delete": get(
            "Drop a request in quarantine.",
            "quarantine",
            Content(shapes.Dropped, {"id": "beef-1", "dropped": True}),
            _QUARANTINE,
        ),
    },
    "/api/v1/quarantine/{id}/body": {
        "get": get("Give the body, byte for byte.", "quarantine", Content(media=_BINARY), _QUARANTINE)
    },
    "/api/v1/quarantine/{id}/replay": {
        "post": Operation(
            summary="Try a request again; a body that is sent takes the place of its own.",
            tag="quarantine",
            takes=(
                Content(ANYTHING, examples.WEBHOOK, JSON),
                Content(media=_BINARY),
            ),
            optional=True,
            answers={
                200: (
                    "It was tried.",
                    (Content(shapes.Replayed, {"id": "beef-1", "accepted": 2, "faults": 0}),),
                ),
                **refusals(
                    _400=f"{_BAD}, or the body is not JSON or not packed as it says",
                    _404=_QUARANTINE,
                    _408="the body did not arrive in time",
                    _409="its source is not configured any more",
                    _413="there is too much in it",
                    _415="the body is packed in a way that is not known",
                    _422="it is still not understood",
                    _503=_AWAY,
                ),
            },
        )
    },
}

_KEY = {"destination": "noc", "key": "9f0a4c51b7d2e386"}
PARKED = {
    "/api/v1/parked": {
        "get": page(
            "List tickets that their tool refused for good, the one parked last first.",
            "parked",
            shapes.ParkedPage,
            examples.PARKED,
            parked.LIST,
        )
    },
    "/api/v1/parked/{destination}/{key}": {
        "get": get(
            "Show a parked ticket with the request that was refused.",
            "parked",
            Content(shapes.ParkedWhole, examples.PARKED_WHOLE),
            _PARKED,
        ),
        "delete": get(
            "Give up a parked ticket.",
            "parked",
            Content(shapes.ParkedDropped, {**_KEY, "dropped": True}),
            _PARKED,
        ),
    },
    "/api/v1/parked/{destination}/{key}/retry": {
        "post": get(
            "Give a parked ticket another chance.",
            "parked",
            Content(shapes.ParkedRetried, {**_KEY, "retried": True}),
            _PARKED,
        )
    },
}


_SILENCE = "there is no such silence, or not any more"
SILENCES = {
    "/api/v1/silences": {
        "get": page(
            "List silences, also those that ended in the last five days.",
            "silences",
            shapes.SilencePage,
            examples.SILENCE,
            silences.LIST,
        ),
        "post": get(
            "Set a silence. Takes bodies of Alertmanager's /api/v2/silences, too.",
            "silences",
            Content(shapes.SilenceView, examples.SILENCE),
            takes=(Content(shapes.SilencePosted, examples.SILENCE_POSTED),),
        ),
    },
    "/api/v1/silences/{id}": {
        "get": get(
            "Show a silence, and how many alerts wait for its end.",
            "silences",
            Content(shapes.SilenceWhole, examples.SILENCE_WHOLE),
            _SILENCE,
        ),
        "delete": get(
            "End a silence now.",
            "silences",
            Content(shapes.SilenceExpired, {"id": examples.SILENCE["id"], "expired": True}),
            _SILENCE,
            query=silences.EXPIRE,
        ),
    },
}


RECONCILE = {
    "/api/v1/reconcile": {
        "post": get(
            "Compare the tickets of open incidents with what they should show, and set them right.",
            "reconcile",
            Content(
                shapes.Reconciled,
                {
                    "checked": 12,
                    "differences": [{**_KEY, "ticket": "4711", "what": ["title"]}],
                    "repaired": True,
                },
            ),
            "tickets of this destination cannot be read, or this process talks to no tool",
            query=reconcile.QUERY,
        )
    }
}


def _plain(summary: str, *contents: Content, **others: tuple[str, tuple[Content, ...]]) -> Operation:
    answers = {200: ("It is so.", contents), **{int(key.lstrip("_")): told for key, told in others.items()}}
    return Operation(summary=summary, tag="operation", answers=answers)


SHADOW = {
    "/api/v1/shadow": {
        "get": get(
            "List what rules in shadow would have done, the newest first.",
            "operation",
            Content(
                shadow.Shadows,
                {
                    "items": [
                        {
                            "at": "2026-03-11T13:00:00.000Z",
                            "kind": "routes",
                            "rule": "to-jira",
                            "says": "would send it to jira, not to noc",
                            "alert": examples.ALERT["key"],
                            "incident": examples.ALERT["incident"],
                        }
                    ]
                },
            ),
            query=shadow.LIST,
        ),
    }
}


CONFIGURATION = {
    "/api/v1/reload": {
        "get": _plain(
            "Tell which configuration is in force, and how the last reload went.",
            Content(
                shapes.ConfigurationView,
                {
                    "version": "5a0c93fe",
                    "loaded_at": "2026-03-11T09:00:00.000Z",
                    "failed": False,
                    "mistakes": [],
                },
            ),
        ),
        "post": Operation(
            summary="Read the configuration again, and take it up. Only this process does.",
            tag="operation",
            answers={
                200: (
                    "It is in force.",
                    (
                        Content(
                            Reloaded,
                            {
                                "version": "77d1e0b4",
                                "before": "5a0c93fe",
                                "needs_restart": ["broker"],
                                "warnings": [],
                            },
                        ),
                    ),
                ),
                **refusals(_400=_BAD, _422="the configuration has mistakes; nothing was changed"),
            },
        ),
    }
}


OPERATING = {
    "/api/v1/audit": {
        "get": page(
            "List what was asked for beyond looking in a month, from its beginning.",
            "operation",
            shapes.AuditPage,
            examples.AUDITED,
            audit.LIST,
        )
    },
    "/api/v1/stats": {
        "get": get("Show where all alerts are.", "operation", Content(Figures, examples.FIGURES)),
    },
    "/healthz": {"get": _plain("Say that the process answers.", Content(shapes.Live, {"status": "ok"}))},
    "/readyz": {
        "get": _plain(
            "Say of each dependency whether it is there.",
            Content(shapes.Ready, examples.READY),
            _503=("Something is not there.", (Content(shapes.Ready, examples.NOT_READY),)),
        )
    },
    "/metrics": {
        "get": _plain(
            "Show all metrics in Prometheus' format.",
            Content(media="text/plain", example="tocsin_alerts_accepted_total 1204.0\n"),
            Content(media="application/openmetrics-text"),
        )
    },
    "/api/openapi.json": {"get": _plain("Give this document.", Content(ANYTHING, {"openapi": "3.1.0"}))},
}
