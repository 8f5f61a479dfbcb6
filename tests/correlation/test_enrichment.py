"""What is added to alerts before they are grouped: once, in order, and never to what the identity is made of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from correlation import items
from correlation.enrichment import EnrichRule, Extract, FromCatalogue, Given, Lookup, enriched, enrichments
from correlation.rules import CorrelationRules, GroupRule
from domain.alert import Alert, AlertRecord
from domain.incident import Incident
from domain.matching import Matcher, compiled
from tests.builders import MINUTE, NOON, correlation_core, firing, received, resolved

HOSTS = Lookup(
    "hosts.csv", ("host",), {("db1",): {"service": "cart", "site": "fra"}, ("db2",): {"site": "ams"}}
)
PARTS = Extract("host", compiled(r"^(?P<kind>[a-z]+)\d+(-(?P<site>[a-z]+))?$"), "…")
TEAM = FromCatalogue({"cart": {"team": "payments"}})


def alert_of(**labels: str) -> Alert:
    return replace(firing("disk"), labels=labels, service=labels.get("service", ""))


def test_rules_are_applied_in_order_each_sees_what_those_before_added():
    rules = (EnrichRule("hosts", HOSTS), EnrichRule("team", TEAM))

    found = enriched(alert_of(host="db1"), rules)

    assert found.labels == {"host": "db1", "service": "cart", "site": "fra", "team": "payments"}
    assert found.service == "cart"
    assert enriched(alert_of(host="db1"), rules[::-1]).labels.get("team") is None


def test_what_the_alert_says_itself_stays_unless_the_rule_overwrites():
    alert = alert_of(host="db1", service="shop", site="")

    kept = enriched(alert, [EnrichRule("hosts", HOSTS)])
    replaced = enriched(alert, [EnrichRule("hosts", HOSTS, overwrite=True)])

    assert (kept.service, kept.labels["service"], kept.labels["site"]) == ("shop", "shop", "fra")
    assert (replaced.service, replaced.labels["service"]) == ("cart", "cart")


def test_resource_is_set_like_a_label():
    found = enriched(alert_of(host="db1"), [EnrichRule("ci", Given({"resource": "srv-17"}))])

    assert (found.resource, found.labels["resource"]) == ("srv-17", "srv-17")


def test_named_groups_that_took_part_become_labels():
    rules = [EnrichRule("parts", PARTS)]

    assert enriched(alert_of(host="db1-fra"), rules).labels == {
        "host": "db1-fra",
        "kind": "db",
        "site": "fra",
    }
    assert enriched(alert_of(host="db1"), rules).labels == {"host": "db1", "kind": "db"}
    assert enriched(alert_of(host="?"), rules).labels == {"host": "?"}


def test_each_rule_says_what_it_did_or_why_not():
    rules = (
        EnrichRule("cart-only", Given({"a": "b"}), Matcher.of({"service": "cart"})),
        EnrichRule("hosts", HOSTS),
        EnrichRule("again", HOSTS),
        EnrichRule("parts", PARTS),
        EnrichRule("team", TEAM),
    )

    said = [(each.rule, dict(each.added), each.why_not) for each in enrichments(alert_of(host="db2"), rules)]

    assert said == [
        ("cart-only", {}, "service is '', not 'cart'"),
        ("hosts", {"site": "ams"}, ""),
        ("again", {}, "the alert has site already"),
        ("parts", {"kind": "db"}, ""),
        ("team", {}, "the catalogue says nothing of service ''"),
    ]


rows = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "x", "y"]), max_size=3)
rules_of_some = st.lists(
    st.builds(
        EnrichRule,
        st.just("r"),
        st.one_of(rows.map(Given), st.builds(Lookup, st.just("f"), st.just(("a",)), st.dictionaries(
            st.sampled_from([("x",), ("y",), ("",)]), rows, max_size=3))),
        st.sampled_from([Matcher(), Matcher.of({"b": "x"})]),
        st.booleans(),
    ),
    max_size=5,
)  # fmt: skip


@given(rows, rules_of_some)
def test_what_is_told_is_what_is_done(labels, rules):
    """The two ways through the rules agree."""
    told = dict(labels)
    for each in enrichments(alert_of(**labels), rules):
        told |= each.added

    assert enriched(alert_of(**labels), rules).labels == told


RULES = CorrelationRules((GroupRule("by-site", ("site",)),), enrich=(EnrichRule("hosts", HOSTS),))


def test_alerts_are_grouped_by_what_was_added_and_identified_by_what_was_sent():
    core = correlation_core(RULES)
    first, second = alert_of(host="db1"), replace(alert_of(host="db1", x="y"), fingerprint="other")

    core.tell(received(first, second))

    (incident,) = core.all(Incident)
    assert (incident.group, incident.alerts, incident.services) == ("site=fra", 2, ("cart",))
    assert sorted(record.key for record in core.all(AlertRecord)) == ["prom/disk", "prom/other"]


def test_resolve_finds_its_alert_when_the_table_has_changed():
    core = correlation_core(RULES)
    core.tell(received(alert_of(host="db1")))
    emptied = correlation_core(
        CorrelationRules(RULES.groups, enrich=(EnrichRule("hosts", Lookup("f", ("host",), {})),))
    )
    core.handler = emptied.handler

    core.tell(received(replace(resolved("disk"), labels={"host": "db1"}, service=""), at=NOON + MINUTE))

    assert [incident.is_open for incident in core.all(Incident)] == [False]


def test_repeats_are_not_enriched(monkeypatch: pytest.MonkeyPatch):
    """A storm of repeats costs nothing for it."""
    core = correlation_core(RULES)
    core.tell(received(alert_of(host="db1")))
    monkeypatch.setattr(items, "enriched", None)

    core.tell(received(*[alert_of(host="db1")] * 5, at=NOON + MINUTE))

    assert core.outcomes() == {"opened": 1, "duplicate": 5}
