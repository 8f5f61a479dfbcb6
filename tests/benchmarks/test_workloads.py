"""The works are what the issue names, the same every time, and look like what Alertmanager posts."""

from __future__ import annotations

import doctest
import json
from typing import Any

import pytest

from benchmarks import load, report, workloads
from benchmarks.workloads import Work, build, distinct, fire_resolve, storm

LABELS = {"alertname", "service", "environment", "severity", "instance", "pod", "cluster", "job"}


def webhooks(work: Work) -> list[dict[str, Any]]:
    return [json.loads(body) for body in work.bodies]


def alerts(work: Work) -> list[dict[str, Any]]:
    return [alert for webhook in webhooks(work) for alert in webhook["alerts"]]


@pytest.mark.parametrize("module", [load, report, workloads])
def test_the_examples_in_the_docstrings_hold(module):
    assert doctest.testmod(module) == (0, doctest.testmod(module).attempted)


def test_distinct_alerts_are_distinct_and_reach_every_service():
    sent = alerts(build("distinct", distinct(2_000, services=50), per_post=20))

    assert len({alert["fingerprint"] for alert in sent}) == len(sent) == 2_000
    assert len({alert["labels"]["service"] for alert in sent}) == 50


def test_the_outage_spreads_so_that_new_services_come_up_all_along():
    work = build("distinct", distinct(2_000, services=50), per_post=1)

    assert list(work.first_posts.values()) == [number * 40 for number in range(50)]


def test_the_storm_repeats_the_same_alerts_byte_for_byte():
    work = build("storm", storm(5_000, identities=50, services=10), per_post=1)

    assert len(work.bodies) == 5_000
    assert len(set(work.bodies)) == 50


def test_what_fired_is_resolved_later_with_the_same_identity():
    sent = alerts(build("fire_resolve", fire_resolve(100, services=10), per_post=20))
    fired, resolved = sent[:100], sent[100:]

    assert {alert["status"] for alert in fired} == {"firing"}
    assert {alert["status"] for alert in resolved} == {"resolved"}
    assert [alert["fingerprint"] for alert in fired] == [alert["fingerprint"] for alert in resolved]
    assert [alert["startsAt"] for alert in fired] == [alert["startsAt"] for alert in resolved]
    assert all(alert["endsAt"] > alert["startsAt"] for alert in resolved)


@pytest.mark.parametrize("name", workloads.WORKS)
def test_a_seed_gives_the_same_bytes_and_another_seed_shares_nothing_with_it(name):
    make = workloads.WORKS[name]
    one, again = (build(name, make(200, seed=1), per_post=5, seed=1) for _ in range(2))
    other = build(name, make(200, seed=2), per_post=5, seed=2)

    assert one == again
    for field in ("fingerprint", "labels"):
        known = {json.dumps(alert[field]) for alert in alerts(one)}
        assert known.isdisjoint(json.dumps(alert[field]) for alert in alerts(other))
    assert one.first_posts.keys().isdisjoint(other.first_posts)


@pytest.mark.parametrize(("per_post", "least", "most"), [(1, 800, 1_300), (20, 800, 1_000)])
def test_bodies_have_the_size_and_shape_of_alertmanagers(per_post, least, most):
    work = build("distinct", distinct(100), per_post=per_post)
    webhook = webhooks(work)[0]

    assert least < len(work.bodies[0]) / per_post < most
    assert webhook["version"] == "4"
    assert webhook["status"] == "firing"
    assert webhook["alerts"][0]["labels"].keys() == LABELS
    assert webhook["alerts"][0]["annotations"].keys() == {"summary", "description", "runbook_url"}


def test_the_last_post_carries_what_is_left():
    work = build("storm", storm(50, identities=5), per_post=20)

    assert [len(webhook["alerts"]) for webhook in webhooks(work)] == [20, 20, 10]
    assert work.alerts == 50


def test_first_posts_name_the_first_post_of_each_service():
    work = build("storm", storm(200, identities=30, services=6), per_post=10)
    first: dict[str, int] = {}
    for index, webhook in enumerate(webhooks(work)):
        for alert in webhook["alerts"]:
            first.setdefault(alert["labels"]["service"], index)

    assert work.first_posts == first
