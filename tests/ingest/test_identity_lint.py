"""Labels of identities that are missing, or have as many values as there are alerts, are told of once."""

from __future__ import annotations

from msgspec.structs import replace

from domain.alert import Alert, AlertState
from ingest.identity_lint import IdentityLint
from tests.builders import firing


def alerts(count: int, **labels: str) -> list[Alert]:
    """Alerts whose labels may have their number in them."""
    return [
        replace(firing(), labels={name: value.format(n=n) for name, value in labels.items()})
        for n in range(count)
    ]


def test_label_that_is_often_missing_is_told_of_once():
    lint = IdentityLint(["host", "check"], missing=5)
    lint.see(alerts(94, host="a", check="disk"))
    lint.see(alerts(5, host="a"))
    assert lint.news() == []
    lint.see(alerts(1, host="a"))

    assert lint.news() == ["check is missing in 6 of 100 alerts"]
    lint.see(alerts(50, host="a"))
    assert lint.news() == []
    assert lint.labels["check"].missing == 56


def test_few_alerts_mean_nothing_yet():
    lint = IdentityLint(["host"])
    lint.see(alerts(99))

    assert lint.news() == []
    assert lint.faults() == ["host is missing in 99 of 99 alerts"]


def test_label_with_a_new_value_in_each_alert_is_told_of():
    lint = IdentityLint(["host", "request"])
    lint.see(alerts(100, host="a", request="id-{n}"))

    assert lint.news() == ["request has 100 values in 100 alerts: hardly two say the same"]


def test_values_are_bounded():
    lint = IdentityLint(["host"], most=100)
    lint.see(alerts(150, host="h{n}"))
    lint.see(alerts(150, host="h{n}"))

    assert len(lint.labels["host"].values) == 100
    assert lint.news() == ["host has 100 values or more in 300 alerts: hardly two say the same"]


def test_what_ends_is_no_new_value():
    lint = IdentityLint(["host"])
    lint.see(alerts(200, host="h{n}"))
    lint.see(alerts(200, host="h{n}"))

    assert lint.news() == []


def test_heartbeats_and_tests_have_no_part():
    lint = IdentityLint(["host"])
    lint.see([replace(firing(), state=AlertState.HEARTBEAT), replace(firing(), state=AlertState.TEST)])

    assert lint.alerts == 0
