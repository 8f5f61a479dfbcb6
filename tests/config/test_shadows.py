"""Rules in shadow, as they are written."""

from __future__ import annotations

from config.load import parse

FILE = """
sources: {prom: {type: alertmanager}}
destinations: {noc: {type: memory}}
correlation:
  groups:
    - {id: everything, by: [], mode: shadow}
    - {id: by-service, by: [service]}
problems:
  - {id: recurring, signature: [service], mode: shadow}
routes:
  - {destinations: [noc], mode: shadow}
  - {destinations: [noc]}
"""


def test_shadow_hides_nothing_and_names_stay_those_of_the_places():
    settings = parse(FILE, "tocsin.yaml", {})

    assert [rule.id for rule in settings.correlation.groups] == ["by-service"]
    assert [route.id for route in settings.routing.routes] == ["#2"]
    assert [route.id for route in settings.routing.shadows] == ["#1", "#2"]
    assert settings.correlation.shadows.groups == {"everything"}


def test_shadow_of_a_kind_that_is_not_tried_is_left_out_and_told():
    settings = parse(FILE, "tocsin.yaml", {})

    assert not settings.correlation.problems
    (warning,) = map(str, settings.warnings)
    assert warning.startswith("tocsin.yaml:9: problems[0].mode: the rule is left out, and not tried: only ")


def test_without_shadows_nothing_is_tried():
    settings = parse("", "tocsin.yaml", {})

    assert not settings.correlation.shadows
    assert settings.routing.shadows == ()
