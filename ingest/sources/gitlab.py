"""GitLab: pipelines, jobs and deployments of a project that failed or work again. Everything else is no alert.

https://docs.gitlab.com/user/project/integrations/webhook_events/
"""

from __future__ import annotations

from domain.alert import AlertState, Severity
from domain.change import ChangeState
from ingest.sources.build import Finding, build
from ingest.sources.build_change import Told, build_change
from ingest.sources.loose import first_line, moment, plain
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post

TITLE = "GitLab"

STATES = {"failed": AlertState.FIRING, "success": AlertState.RESOLVED}
"""How it ended. One that is under way, was cancelled or skipped says nothing."""


DONE = {
    **dict.fromkeys(["created", "running"], ChangeState.STARTED),
    "success": ChangeState.SUCCEEDED,
    **dict.fromkeys(["failed", "canceled"], ChangeState.FAILED),
}
"""How far a pipeline or a deployment is, as a change."""


def parse(post: Post) -> Parsed:
    """Read one event. The button "Test" of old versions sends a real event, and says so in a header.

    Raises:
        BadBody: if it lacks what events of its kind have.
    """
    body = Node.json(post.body)
    kind = body["object_kind"].required()
    if post.headers.get("x-gitlab-event", "").lower() == "test hook":
        return Parsed([build(post, _test(body))])
    readers = {"pipeline": _pipeline, "build": _job, "deployment": _deployment}
    found = readers[kind](body) if kind in readers else None
    told = (
        {"pipeline": _piped, "deployment": _deployed}[kind](body)
        if kind in {"pipeline", "deployment"}
        else None
    )
    alerts = [build(post, found)] if found else []
    changes = [build_change(post, told)] if told else []
    return Parsed(alerts, nothing="" if alerts or changes else "not_an_alert", changes=changes)


def _piped(body: Node) -> Told | None:
    """Read a pipeline as a change. One of a merge request changes nothing that runs."""
    told = body["object_attributes"]
    state = DONE.get(plain(told["status"]))
    if state is None or plain(told["source"]) in {"merge_request_event", "parent_pipeline"}:
        return None
    project, ref = _project(body), plain(told["ref"])
    return Told(
        key=f"{project}/pipeline/{told['id'].required()}",
        kind="pipeline",
        state=state,
        title=f"Pipeline of {project} on {ref}",
        services=(project.rpartition("/")[2],),
        resources=(project,),
        starts_at=moment(told["created_at"]),
        ends_at=moment(told["finished_at"]) if state.is_over else None,
        actor=plain(body["user"]["username"]),
        url=plain(told["url"]) or _page(body, "pipelines", plain(told["id"])),
        at=moment(told.first("finished_at", "created_at")),
    )


def _deployed(body: Node) -> Told | None:
    state = DONE.get(plain(body["status"]))
    if state is None:
        return None
    project, environment = _project(body), plain(body["environment"])
    at = moment(body["status_changed_at"])
    return Told(
        key=f"{project}/deployment/{plain(body['deployment_id']) or environment}",
        kind="deployment",
        state=state,
        title=f"Deployment of {project} {plain(body['short_sha'])} to {environment}",
        services=(project.rpartition("/")[2],),
        resources=(project,),
        environment=environment,
        starts_at=at,
        ends_at=at if state.is_over else None,
        actor=plain(body["user"]["username"]),
        url=plain(body["deployable_url"]),
        at=at,
    )


def _test(body: Node) -> Finding:
    project = _project(body)
    return Finding(
        f"{project}/test", AlertState.TEST, f"Test hook of {project}", Severity.INFO, resource=project
    )


def _pipeline(body: Node) -> Finding | None:
    told = body["object_attributes"]
    state = STATES.get(told["status"].required())
    if state is None:
        return None
    project, ref = _project(body), told["ref"].required()
    # Pipelines have new ids: a failed one is made good by one of the same ref. Child pipelines end on their own.
    child = "child" if plain(told["source"]) == "parent_pipeline" else ""
    failed = [plain(job["name"]) for job in body["builds"].items() if plain(job["status"]) == "failed"]
    return Finding(
        identity="/".join(filter(None, [project, "pipeline", child, ref])),
        state=state,
        name=f"Pipeline of {ref} failed",
        summary=f"Pipeline of {project} on {ref}: {told['status'].text()}",
        description=f"Failed jobs: {', '.join(failed)}" if failed else "",
        resource=project,
        labels={**_labels(body, ref), "trigger": plain(told["source"]), "pipeline": plain(told["name"])},
        annotations=_commit(body["commit"]),
        starts_at=None if state is AlertState.RESOLVED else moment(told["finished_at"]),
        ends_at=moment(told["finished_at"]),
        url=plain(told["url"]) or _page(body, "pipelines", plain(told["id"])),
    )


def _job(body: Node) -> Finding | None:
    state = STATES.get(body["build_status"].required())
    if state is None or body["build_allow_failure"].value is True:
        return None
    project, ref, name = _project(body), body["ref"].required(), body["build_name"].required()
    return Finding(
        identity=f"{project}/job/{name}/{ref}",
        state=state,
        name=f"Job {name} failed",
        summary=f"Job {name} of {project} on {ref}: {body['build_status'].text()}",
        description=plain(body["build_failure_reason"]) if state is AlertState.FIRING else "",
        resource=project,
        labels={**_labels(body, ref), "job": name, "stage": plain(body["build_stage"])},
        annotations=_commit(body["commit"]),
        starts_at=None if state is AlertState.RESOLVED else moment(body["build_finished_at"]),
        ends_at=moment(body["build_finished_at"]),
        url=_page(body, "jobs", plain(body["build_id"])),
    )


def _deployment(body: Node) -> Finding | None:
    state = STATES.get(body["status"].required())
    if state is None:
        return None
    project, environment = _project(body), body["environment"].required()
    at = moment(body["status_changed_at"])
    return Finding(
        identity=f"{project}/deployment/{environment}",
        state=state,
        severity=Severity.HIGH,
        name=f"Deployment to {environment} failed",
        summary=f"Deployment of {project} to {environment}: {body['status'].text()}",
        description=first_line(plain(body["commit_title"])),
        resource=project,
        labels={**_labels(body, plain(body["ref"])), "environment": environment},
        annotations={"commit": plain(body["short_sha"])},
        starts_at=None if state is AlertState.RESOLVED else at,
        ends_at=at,
        url=plain(body["deployable_url"]),
    )


def _project(body: Node) -> str:
    named = plain(body["project"]["path_with_namespace"]) or plain(body["repository"]["name"])
    return named or body["project_name"].required()


def _labels(body: Node, ref: str) -> dict[str, str]:
    user = body["user"]
    return {"project": _project(body), "branch": ref, "actor": plain(user["username"]) if user else ""}


def _commit(commit: Node) -> dict[str, str]:
    message = first_line(plain(commit["message"]))
    return {"commit": plain(commit.first("id", "sha")), "commit_message": message}


def _page(body: Node, kind: str, number: str) -> str:
    web = plain(body["project"]["web_url"]) or plain(body["repository"]["homepage"])
    return f"{web}/-/{kind}/{number}" if web and number else ""
