"""GitHub: security alerts, workflows, checks and deployments of a repository. Everything else is no alert.

https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from __future__ import annotations

from collections.abc import Callable

from domain.alert import AlertState, Severity
from domain.change import Change, ChangeState
from ingest.sources.build import Finding, build
from ingest.sources.build_change import Told, build_change
from ingest.sources.forms import form_or_json
from ingest.sources.loose import first_line, moment, plain
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post
from ingest.sources.severities import severity_of

TITLE = "GitHub"

CONCLUSIONS = {
    "failure": AlertState.FIRING,
    "timed_out": AlertState.FIRING,
    "startup_failure": AlertState.FIRING,
    "error": AlertState.FIRING,
    "success": AlertState.RESOLVED,
}
"""How a run or a deployment ended. One that was cancelled or skipped says nothing of what it would have found."""
_STARTED = ChangeState.STARTED
DEPLOYED = {
    **dict.fromkeys(["queued", "pending", "in_progress"], ChangeState.STARTED),
    "success": ChangeState.SUCCEEDED,
    **dict.fromkeys(["failure", "error"], ChangeState.FAILED),
}
"""How far a deployment is, as a change."""
ACTIONS = {
    **dict.fromkeys(["created", "create", "reopened", "reintroduced", "auto_reopened"], AlertState.FIRING),
    **dict.fromkeys(["appeared_in_branch", "publicly_leaked", "reopened_by_user"], AlertState.FIRING),
    **dict.fromkeys(["fixed", "resolve", "resolved", "revoked", "closed_by_user"], AlertState.RESOLVED),
    **dict.fromkeys(["dismiss", "dismissed", "auto_dismissed"], AlertState.RESOLVED),
}
STAYS = {
    "fix_started": AlertState.ACKNOWLEDGED,
    "a fix has already been started": AlertState.ACKNOWLEDGED,
    "no_bandwidth": AlertState.FIRING,
    "no bandwidth to fix this": AlertState.FIRING,
}
"""Reasons to dismiss an alert which say that what it tells of goes on; with any other there is nothing left to do."""


def parse(post: Post) -> Parsed:
    """Read one event; which it is tells a header.

    Raises:
        BadBody: if it lacks what events of its kind have.
    """
    body = form_or_json(post)
    if "payload" in body and isinstance(body["payload"].value, str):
        body = Node.json(body["payload"].text().encode("utf-8", "replace"))
    event = post.headers.get("x-github-event", "") or _kind(body)
    if event == "ping":
        return Parsed(nothing="handshake")
    found = READERS[event](body) if event in READERS else None
    changes = _changes(post, event, body)
    alerts = [build(post, found)] if found else []
    return Parsed(alerts, nothing="" if alerts or changes else "not_an_alert", changes=changes)


def _changes(post: Post, event: str, body: Node) -> list[Change]:
    """Read what a deployment tells; a repository stands for the service of its name."""
    state = _STARTED if event == "deployment" else DEPLOYED.get(plain(body["deployment_status"]["state"]))
    if event not in {"deployment", "deployment_status"} or state is None:
        return []
    deployment, status = body["deployment"], body["deployment_status"]
    repository = plain(body["repository"]["full_name"])
    environment = plain(deployment["environment"]) or plain(status["environment"])
    ended = moment(status.first("updated_at", "created_at"))
    told = Told(
        key="/".join(filter(None, [repository, deployment["id"].required()])),
        kind="deployment",
        state=state,
        title=f"Deployment of {plain(body['repository']['name'])} {plain(deployment['ref'])} to {environment}",
        services=(plain(body["repository"]["name"]),),
        resources=(repository,),
        environment=environment,
        starts_at=moment(deployment["created_at"]),
        ends_at=ended if state.is_over else None,
        actor=plain(deployment["creator"]["login"]) or plain(body["sender"]["login"]),
        url=plain(status.first("log_url", "target_url", "environment_url")),
        at=ended or moment(deployment["created_at"]),
    )
    return [build_change(post, told)]


def _kind(body: Node) -> str:
    """Tell an event that came without its header by what is in it."""
    if "zen" in body:
        return "ping"
    return next((key for key in ("workflow_run", "check_run", "deployment_status") if key in body), "")


def _workflow_run(body: Node) -> Finding | None:
    run = body["workflow_run"]
    # Runs have new ids. What a failed one is made good by is one of the same workflow on the same branch.
    return _ended(body, run, "workflow", plain(run.first("name", "path")))


def _check_run(body: Node) -> Finding | None:
    run = body["check_run"]
    return _ended(body, run, "check", run["name"].required())


def _ended(body: Node, run: Node, kind: str, name: str) -> Finding | None:
    state = CONCLUSIONS.get(plain(run["conclusion"]))
    if plain(body["action"]) != "completed" or state is None:
        return None
    branch = _branch(body, run)
    return _of_repository(
        body,
        Finding(
            identity=f"{kind}/{name}/{branch}",
            state=state,
            name=f"{name} failed",
            summary=f"{name} on {branch}: {plain(run['conclusion'])}",
            description=plain(run["output"]["summary"]) or first_line(plain(run["head_commit"]["message"])),
            labels={kind: name, "branch": branch, "trigger": plain(run["event"])},
            annotations={"commit": plain(run["head_sha"]), "attempt": plain(run["run_attempt"])},
            starts_at=moment(run.first("updated_at", "completed_at")),
            url=plain(run.first("html_url", "details_url")),
        ),
    )


def _branch(body: Node, run: Node) -> str:
    """Name the branch, and whose it is if not of the repository itself: forks have a ``main`` too."""
    branch = plain(run["head_branch"]) or plain(run["check_suite"]["head_branch"])
    home = plain(run["head_repository"]["full_name"])
    return f"{home}:{branch}" if home not in {"", plain(body["repository"]["full_name"])} else branch


def _deployment_status(body: Node) -> Finding | None:
    status, deployment = body["deployment_status"], body["deployment"]
    state = CONCLUSIONS.get(status["state"].required())
    if state is None:
        return None
    environment = plain(deployment["environment"]) or plain(status["environment"])
    return _of_repository(
        body,
        Finding(
            identity=f"deployment/{environment}",
            state=state,
            severity=Severity.HIGH,
            name=f"Deployment to {environment} failed",
            summary=f"Deployment of {plain(deployment['ref'])} to {environment}: {status['state'].text()}",
            description=plain(status["description"]),
            labels={"environment": environment, "branch": plain(deployment["ref"])},
            annotations={"commit": plain(deployment["sha"])},
            starts_at=moment(status.first("updated_at", "created_at")),
            url=plain(status.first("log_url", "target_url", "environment_url")),
        ),
    )


def _security(body: Node, kind: str, name: str, severity: Severity) -> Finding | None:
    alert, state = body["alert"], _security_state(body)
    if state is None:
        return None
    return _of_repository(
        body,
        Finding(
            identity=f"{kind}/{alert.first('number', 'id').required()}",
            state=state,
            severity=severity,
            name=name,
            description=plain(_advisory(alert)["description"]) or plain(alert["rule"]["help"]),
            labels={"kind": kind},
            annotations={"reason": plain(alert.first("dismissed_reason", "dismiss_reason", "resolution"))},
            starts_at=moment(alert["created_at"]),
            ends_at=moment(alert.first("fixed_at", "dismissed_at", "resolved_at")),
            url=plain(alert.first("html_url", "external_reference")),
        ),
    )


def _security_state(body: Node) -> AlertState | None:
    state = ACTIONS.get(body["action"].required())
    reason = plain(body["alert"].first("dismissed_reason", "dismiss_reason")).lower()
    return STAYS.get(reason, state) if "dismiss" in body["action"].text() else state


def _dependabot(body: Node) -> Finding | None:
    alert = body["alert"]
    package = plain(alert["dependency"]["package"]["name"]) or plain(alert["affected_package_name"])
    named = plain(_advisory(alert)["summary"]) or plain(alert["external_identifier"])
    word = plain(_advisory(alert)["severity"]) or plain(alert["severity"])
    return _security(body, "dependabot", ": ".join(filter(None, [package, named])), severity_of(word))


def _advisory(alert: Node) -> Node:
    return alert["security_advisory"]


def _code_scanning(body: Node) -> Finding | None:
    rule = body["alert"]["rule"]
    word = plain(rule.first("security_severity_level", "severity"))
    severity = Severity.LOW if word == "note" else severity_of(word)
    return _security(body, "code_scanning", plain(rule.first("description", "name", "id")), severity)


def _secret_scanning(body: Node) -> Finding | None:
    secret = plain(body["alert"].first("secret_type_display_name", "secret_type"))
    return _security(body, "secret_scanning", f"Secret in the code: {secret}", Severity.CRITICAL)


def _of_repository(body: Node, found: Finding) -> Finding:
    """Add what all events have: the repository. Its name is part of the identity."""
    repository = plain(body["repository"]["full_name"])
    own = {name: getattr(found, name) for name in Finding.__slots__}
    over = found.state is AlertState.RESOLVED
    return Finding(
        **own
        | {
            "identity": "/".join(filter(None, [repository, found.identity])),
            "resource": repository,
            "labels": {**found.labels, "repository": repository, "actor": plain(body["sender"]["login"])},
            "starts_at": None if over else found.starts_at,
            "ends_at": found.ends_at or (found.starts_at if over else None),
        }
    )


READERS: dict[str, Callable[[Node], Finding | None]] = {
    "workflow_run": _workflow_run,
    "check_run": _check_run,
    "deployment_status": _deployment_status,
    "dependabot_alert": _dependabot,
    "repository_vulnerability_alert": _dependabot,
    "code_scanning_alert": _code_scanning,
    "secret_scanning_alert": _secret_scanning,
}
"""Event → what reads it. None of it is an alert that is not in here."""
