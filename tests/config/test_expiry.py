"""Rules with a last day: they apply until then, and are told of afterwards."""

from __future__ import annotations

from datetime import date

import pytest

from config.load import parse
from config.settings import Settings

FILE = """
sources: {prom: {type: alertmanager}}
destinations: {noc: {type: memory}}
correlation:
  groups:
    - {id: move, by: [], expires: 2026-11-30, owner: network, match: {site: old}}
    - {id: by-service, by: [service]}
routes:
  - {id: temporary, destinations: [noc], expires: 2026-12-01}
  - id: standing
    destinations: [noc]
    routes:
      - {id: below, match: {service: cart}, expires: 2026-11-29}
"""


def on(day: date) -> Settings:
    return parse(FILE, "tocsin.yaml", {}, today=day)


@pytest.mark.parametrize(
    ("day", "groups", "routes", "below"),
    [
        (date(2026, 11, 29), ["move", "by-service"], ["temporary", "standing"], ["below"]),
        (date(2026, 11, 30), ["move", "by-service"], ["temporary", "standing"], []),
        (date(2026, 12, 1), ["by-service"], ["temporary", "standing"], []),
        (date(2026, 12, 2), ["by-service"], ["standing"], []),
    ],
)
def test_rule_applies_until_the_end_of_its_last_day(day, groups, routes, below):
    settings = on(day)

    assert [rule.id for rule in settings.correlation.groups] == groups
    assert [route.id for route in settings.routing.routes] == routes
    assert [route.id for route in settings.routing.routes[-1].routes] == below


def test_what_is_left_out_is_told_with_its_place():
    said = [str(each) for each in on(date(2026, 12, 1)).warnings]

    assert [each.replace(", who answers for it", "…") for each in said] == [
        "tocsin.yaml:6: correlation.groups[0].expires: the rule expired on 2026-11-30 and is left out; ask network…",
        "tocsin.yaml:13: routes[1].routes[0].expires: the rule expired on 2026-11-29 and is left out",
    ]


def test_label_called_expires_is_no_last_day():
    text = (
        "destinations: {noc: {type: memory}}\nroutes: [{destinations: [noc], match: {expires: 2020-01-01}}]"
    )

    settings = parse(text, "tocsin.yaml", {}, today=date(2026, 1, 1))

    assert [each.message for each in settings.warnings if "expired" in each.message] == []


def test_temporary_rule_for_everything_hides_none_for_good():
    settings = parse(
        "correlation: {groups: [{id: all, by: [], expires: 2026-01-01}, {id: by-host, by: [host]}]}",
        "tocsin.yaml",
        {},
        today=date(2026, 1, 1),
    )

    assert [rule.id for rule in settings.correlation.groups] == ["all", "by-host"]
