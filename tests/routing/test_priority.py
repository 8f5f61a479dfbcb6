"""What gives an incident its priority: schemes, levels, adjustments and rules."""

from __future__ import annotations

from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlation.extent import ExtentRules
from correlation.rules import CorrelationRules, GroupRule
from domain.alert import AlertRecord, Severity
from domain.incident import Extent, Incident, TimelineEntry
from domain.matching import Matcher
from domain.priority import Level, Priority
from routing.adjustments import Adjustment, Growth, SupportHours
from routing.calendars import Calendar
from routing.priority import judge, levels_shown
from routing.rules import MATRIX, Criticality, PriorityOverride, Route, RoutingRules, Scheme, Service
from tests.builders import HOUR, MINUTE, NOON, correlation_core, firing, received, resolved
from tests.core import Core

OFFICE = Calendar("office", ZoneInfo("UTC"), (((9 * HOUR, 17 * HOUR),),) * 5 + ((), ()))
CART = Service("cart", Criticality.MEDIUM, "shop", cis=("web-1", "web-2", "web-3"), support_hours=OFFICE)
ONE = CorrelationRules(
    groups=(GroupRule("all", ()),), extent=ExtentRules(cis=("host",), sites=("site",), joins=3)
)


def rules(*adjustments: Adjustment, **others) -> RoutingRules:
    return RoutingRules(
        services={"cart": CART}, routes=(Route("all", ("noc",)),), adjustments=adjustments, **others
    )


def cart(name: str, severity: Severity = Severity.MEDIUM, **labels: str):
    return firing(name, service="cart", severity=severity, labels=labels)


def only(core: Core) -> Incident:
    (incident,) = core.all(Incident)
    assert isinstance(incident, Incident)
    return incident


def judged(core: Core) -> tuple[str, str, Priority]:
    assessment = only(core).assessment
    assert assessment is not None
    return assessment.impact_name, assessment.urgency_name, assessment.priority


def reasons(core: Core) -> list[str]:
    lines = core.logs[f"timeline:{only(core).id}"]
    return [
        line.reason for line in lines if isinstance(line, TimelineEntry) and line.verdict == "prioritised"
    ]


def test_more_cis_and_sites_hit_raise_the_impact() -> None:
    """Two hosts at two sites are one level more each, and the timeline says both."""
    core = correlation_core(
        ONE, rules(Adjustment("hosts", impact=1, cis=2), Adjustment("sites", urgency=1, sites=2))
    )
    core.tell(received(cart("a", host="web-1", site="ber")))
    assert judged(core) == ("medium", "medium", Priority.P3)

    core.tell(received(cart("b", host="web-2", site="muc"), at=NOON + MINUTE))

    assert judged(core) == ("high", "high", Priority.P1)
    assert reasons(core)[-1] == (
        "P1: high impact (cart has medium criticality; hosts +1: 2 CIs hit) "
        "and high urgency (severity medium; sites +1: 2 sites hit)"
    )


def test_an_environment_may_lower() -> None:
    """A rule that only asks for labels moves the incidents that have them."""
    core = correlation_core(
        ONE, rules(Adjustment("staging", Matcher.of({"environment": "staging"}), impact=-1))
    )
    core.tell(received(cart("a", environment="staging")))

    assert judged(core) == ("low", "medium", Priority.P4)


def test_redundancy_lost_is_urgent_until_it_is_back() -> None:
    """With one of three web servers left it is urgent; when one recovers it is not any more, after a while."""
    core = correlation_core(ONE, rules(Adjustment("no-spare", urgency=1, cis_left=1)))
    core.tell(received(cart("a", host="web-1"), cart("x", host="db-9")))
    assert judged(core)[1] == "medium"
    core.tell(received(cart("b", host="WEB-2"), at=NOON + MINUTE))
    assert judged(core)[1:] == ("high", Priority.P2)

    core.tell(received(resolved("a", service="cart"), at=NOON + 2 * MINUTE))
    assert judged(core)[1:] == ("high", Priority.P2)
    core.pass_time(NOON + 13 * MINUTE)
    assert judged(core)[1:] == ("medium", Priority.P3)


def test_night_is_less_urgent_until_people_come() -> None:
    """Outside support hours it waits; when they begin, the priority rises by itself."""
    night = NOON + 6 * HOUR
    core = correlation_core(ONE, rules(Adjustment("night", urgency=-1, support_hours=SupportHours.CLOSED)))
    core.tell(received(cart("a"), at=night))
    assert judged(core) == ("medium", "low", Priority.P4)

    core.pass_time(NOON + 21 * HOUR - MINUTE)
    assert judged(core)[2] is Priority.P4
    core.pass_time(NOON + 21 * HOUR)
    assert judged(core) == ("medium", "medium", Priority.P3)


def test_what_grows_fast_is_urgent_while_it_does() -> None:
    """Three alerts within ten minutes raise; when they stop coming it falls again, after a while."""
    growing = Adjustment("growing", urgency=1, growth=Growth(3, 10 * MINUTE))
    core = correlation_core(ONE, rules(growing))
    for minute, name in ((0, "a"), (4, "b"), (8, "c")):
        core.tell(received(cart(name), at=NOON + minute * MINUTE))
    assert judged(core)[1] == "high"

    core.pass_time(NOON + 10 * MINUTE)
    assert judged(core)[1] == "high"
    core.pass_time(NOON + 20 * MINUTE)
    assert judged(core)[1] == "medium"


@pytest.mark.parametrize(
    ("scheme", "severity", "expected"),
    [
        (Scheme.SEVERITY, Severity.CRITICAL, Priority.P1),
        (Scheme.SEVERITY, Severity.INFO, Priority.P5),
        (Scheme.RULES, Severity.CRITICAL, Priority.P4),
        (Scheme.ITIL, Severity.LOW, Priority.P4),
    ],
)
def test_schemes(scheme: Scheme, severity: Severity, expected: Priority) -> None:
    """ITIL is the default, not a cage: severity alone, or rules alone, may give the priority."""
    core = correlation_core(ONE, rules(scheme=scheme, otherwise=Priority.P4))
    core.tell(received(cart("a", severity)))

    assert judged(core)[2] is expected


def test_a_rule_goes_before_any_scheme() -> None:
    """The first rule that matches gives the priority, and the reason names it and what would have been."""
    vip = PriorityOverride("vip", Matcher.of({"customer": "acme", "priority": "P3"}), Priority.P1)
    core = correlation_core(ONE, rules(overrides=(vip,)))
    core.tell(received(cart("a", customer="acme")))

    assert judged(core) == ("medium", "medium", Priority.P1)
    assert reasons(core)[0].startswith("P1: rule vip says so, else P3: medium impact")


def test_a_matrix_of_any_size() -> None:
    """Four levels of impact by two of urgency; tools that know three are told the nearest."""
    impacts, urgencies = ("whole", "site", "team", "one"), ("now", "later")
    four = rules(
        impact_levels=impacts,
        urgency_levels=urgencies,
        impact=dict(zip(Criticality, impacts, strict=True)),
        urgency={severity: "later" if severity is Severity.INFO else "now" for severity in Severity},
        matrix=dict(
            zip(product(impacts, urgencies), [Priority.P1, *Priority, Priority.P5, Priority.P5], strict=True)
        ),
    )
    core = correlation_core(ONE, four)
    core.tell(received(cart("a")))

    assert judged(core) == ("team", "now", Priority.P4)
    assert levels_shown(Priority.P4, "team", "now", four) == (Level.MEDIUM, Level.HIGH)


@given(st.sampled_from(list(Level)), st.sampled_from(list(Level)), st.sampled_from(list(Priority)))
def test_tools_that_work_the_priority_out_come_to_ours(impact: Level, urgency: Level, made: Priority) -> None:
    """Whatever gave an incident its priority, impact and urgency in tickets make it by the matrix."""
    shown = levels_shown(made, impact, urgency, RoutingRules())

    assert MATRIX[shown] is made
    assert shown == (impact, urgency) or MATRIX[impact, urgency] is not made


DEEDS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["web-1", "web-2"]), st.booleans(), st.integers(0, 3)),
    max_size=20,
)


@given(DEEDS)
def test_cis_down_are_those_with_alerts_that_fire(deeds) -> None:
    """After any firings and resolves, early, late and twice, the counts are those of the alerts' records."""
    core = correlation_core(ONE, rules())
    hosts = dict[str, str]()
    for step, (name, named, fires, late) in enumerate(deeds):
        host = hosts.setdefault(name, named)
        starts = NOON + max(0, step - late) * MINUTE
        alert = firing(name, service="cart", starts_at=starts, labels={"host": host})
        ended = resolved(name, service="cart", starts_at=starts, ends_at=starts + 1)
        core.tell(received(alert if fires else ended, at=NOON + step * MINUTE))

    for incident in core.all(Incident):
        extent = incident.extent or Extent()
        firing_on = [
            hosts[record.alert.name]
            for record in core.all(AlertRecord)
            if record.fires and record.incident == incident.id
        ]
        assert {ci: count for ci, count in extent.cis.items() if count} == {
            host: firing_on.count(host) for host in firing_on
        }


def test_extent_is_not_kept_where_nobody_asks() -> None:
    """Without rules that ask for it, an incident holds nothing of it."""
    core = correlation_core(CorrelationRules(), rules())
    core.tell(received(cart("a", host="web-1", site="ber")))

    assert only(core).extent is None
    assert only(core).follow_at is None


def test_all_moves_add_up_and_stop_at_the_ends() -> None:
    """Moves beyond the highest level are lost; they do not wrap round."""
    core = correlation_core(ONE, rules())
    core.tell(received(cart("a")))
    up, down = (Adjustment(f"{by:+d}", impact=by) for by in (9, -1))

    assert judge(only(core), rules(up), NOON).impact == "high"
    assert judge(only(core), rules(up, down), NOON).impact == "high"
    assert judge(only(core), rules(down, down, down), NOON).impact == "low"
