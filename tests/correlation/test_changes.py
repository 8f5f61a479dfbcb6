"""Incidents show which changes they may come of; a planned change keeps alerts quiet until its end."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from correlation.change_rules import ChangeRules, closure
from correlation.changes import CHANGES_KEPT, Recent, planned_windows, with_change
from correlation.rules import CorrelationRules
from domain.change import Change, ChangeState, merged
from domain.events import ChangesReceived, TicketsDesired
from domain.incident import Incident
from domain.matching import Matcher
from tests.builders import DAY, HOUR, MINUTE, NOON, SECOND, correlation_core, firing, received, resolved
from tests.core import Core

RULES = ChangeRules(HOUR, needs=closure({"checkout": ["cart"], "cart": ["db"]}))


def a_core(rules: ChangeRules | None = RULES) -> Core:
    return correlation_core(CorrelationRules(changes=rules))


def a_change(key: str = "1", service: str = "checkout", at: int = NOON, **more: Any) -> Change:
    """A deployment that went well at *at*."""
    services = (service,) if service else ()
    change = Change(f"ci/{key}", "ci", "deployment", ChangeState.SUCCEEDED, at, f"v{key}", services)
    return replace(change, **{"starts_at": at, "ends_at": at, **more})


def told(core: Core, *changes: Change, at: int = NOON) -> None:
    core.tell(ChangesReceived("c", at, list(changes)))


def shown(core: Core) -> list[str]:
    """Ids of the suspects of the one incident."""
    (incident,) = core.all(Incident)
    return [each.change for each in incident.suspects]


def happens(core: Core, at: int = NOON + 10 * MINUTE, **labels: str) -> None:
    core.tell(received(firing(starts_at=at, labels=labels), at=at))


def test_an_incident_soon_after_a_change_of_its_service_shows_it() -> None:
    core = a_core()
    told(core, a_change())
    happens(core)

    assert shown(core) == ["ci/1"]
    wishes = [event.tickets[0] for _, event in core.sent if isinstance(event, TicketsDesired)]
    assert "Suspected change: v1 (succeeded" in wishes[0].description
    assert core.all(Incident)[0].notes == ()


def test_a_change_that_is_told_late_is_shown_and_told_once() -> None:
    core = a_core()
    happens(core)
    told(core, a_change("1"), at=NOON + 20 * MINUTE)
    told(core, a_change("1"), a_change("2"), at=NOON + 21 * MINUTE)

    assert shown(core) == ["ci/1", "ci/2"]
    assert len([note for note in core.all(Incident)[0].notes if "Suspected" in note.text]) == 1


def test_changes_of_other_services_or_other_times_are_not_shown() -> None:
    core = a_core()
    told(
        core, a_change("other", "search"), a_change("old", at=NOON - HOUR), a_change("later", at=NOON + HOUR)
    )
    happens(core)

    assert shown(core) == []


def test_the_most_likely_comes_first() -> None:
    """The same service, then what it depends on, then the environment; then the nearer; then what failed."""
    core = a_core()
    soon = NOON + 9 * MINUTE
    told(
        core,
        a_change("around", "", soon, environment="prod"),
        a_change("needed", "db", soon),
        a_change("far", at=NOON - 20 * MINUTE),
        a_change("near", at=soon),
        a_change("near-failed", at=soon - MINUTE, state=ChangeState.FAILED),
    )
    happens(core, environment="prod")

    assert shown(core) == ["ci/near-failed", "ci/near", "ci/far", "ci/needed", "ci/around"]


def test_the_same_configuration_item_counts_like_the_same_service() -> None:
    core = a_core()
    told(core, a_change("disk", "", resources=("db-1",)))
    happens(core, instance="db-1")

    assert core.all(Incident)[0].suspects[0].relation == "service"


def test_the_last_word_on_a_change_is_shown() -> None:
    core = a_core()
    told(core, a_change(state=ChangeState.STARTED, ends_at=None))
    happens(core)
    told(core, a_change(at=NOON + 12 * MINUTE, state=ChangeState.ROLLED_BACK), at=NOON + 12 * MINUTE)

    (incident,) = core.all(Incident)
    assert [each.state for each in incident.suspects] == ["rolled_back"]


def test_changes_are_no_alerts() -> None:
    core = a_core()
    told(core, a_change())

    assert core.outcomes() == {}
    assert core.index["changes", "ci/1"] == NOON


def test_without_rules_changes_are_only_listed() -> None:
    core = a_core(None)
    told(core, a_change())
    happens(core)

    assert shown(core) == []
    assert core.get("change:ci/1").title == "v1"
    assert not core.records.get("recent:")


def test_changes_are_forgotten_in_the_end() -> None:
    core = a_core()
    told(core, a_change())
    core.pass_time(NOON + 31 * DAY)

    assert core.all(Change) == []
    assert ("changes", "ci/1") not in core.index


def planned(**more: Any) -> Change:
    """New disks, from noon until one."""
    return a_change(
        "disks", state=ChangeState.PLANNED, at=NOON - DAY, starts_at=NOON, ends_at=NOON + HOUR, **more
    )


def test_a_planned_change_keeps_its_service_quiet_until_its_end() -> None:
    """What still fires then opens an incident that names the change."""
    core = a_core()
    told(core, planned(), at=NOON - DAY)
    happens(core)
    assert core.all(Incident) == []
    assert core.outcomes() == {"suppressed": 1}
    core.pass_time(NOON + HOUR + SECOND)

    assert shown(core) == ["ci/disks"]


def test_what_is_over_by_the_end_of_a_planned_change_opens_nothing() -> None:
    core = a_core()
    told(core, planned(), at=NOON - DAY)
    happens(core)
    core.tell(received(resolved(starts_at=NOON + 10 * MINUTE), at=NOON + 20 * MINUTE))
    core.pass_time(NOON + 2 * HOUR)

    assert core.all(Incident) == []


def test_a_planned_change_that_ends_early_ends_the_quiet() -> None:
    core = a_core()
    told(core, planned(), at=NOON - DAY)
    happens(core)
    early = NOON + 12 * MINUTE
    told(core, replace(planned(), state=ChangeState.FAILED, at=early, ends_at=early), at=early)
    core.pass_time(early + SECOND)

    assert shown(core) == ["ci/disks"]


def test_before_its_beginning_and_elsewhere_nothing_is_quiet() -> None:
    core = a_core()
    told(core, planned(), at=NOON - DAY)
    happens(core, NOON - MINUTE)
    core.tell(received(firing("b", service="search", starts_at=NOON + MINUTE), at=NOON + MINUTE))

    assert core.outcomes() == {"opened": 2}


@given(st.text(min_size=1, max_size=20).map(lambda text: " ".join(text.split())).filter(bool))
def test_the_window_of_a_change_fits_its_names_whatever_they_are(name: str) -> None:
    (window,) = planned_windows(replace(planned(), services=(name, "b|c")))
    matcher = Matcher.of(window.matchers)

    assert matcher.matches({"service": name})
    assert matcher.matches({"service": "b|c"})
    assert not matcher.matches({"service": "b"}) or name == "b"
    assert not matcher.matches({"service": f"{name}x"}) or name + "x" == "b|c"


def test_maintenance_can_be_left_to_others() -> None:
    core = a_core(ChangeRules(HOUR, maintenance=False))
    told(core, planned(), at=NOON - DAY)
    happens(core)

    assert shown(core) == ["ci/disks"]


def test_memory_is_bounded() -> None:
    recent = Recent()
    for number in range(CHANGES_KEPT + 50):
        recent = with_change(recent, a_change(str(number), at=NOON + number))

    assert len(recent.changes) == CHANGES_KEPT
    assert recent.changes[-1].id == f"ci/{CHANGES_KEPT + 49}"


keys = st.sampled_from("abc")
states = st.sampled_from(ChangeState)
minutes = st.integers(-30, 30).map(lambda minute: NOON + minute * MINUTE)
news = st.builds(
    lambda key, service, at, state: a_change(
        key, service, at, state=state, ends_at=at if state.is_over else None
    ),
    keys,
    st.sampled_from(["checkout", "cart", "search"]),
    minutes,
    states,
)


@given(st.lists(news, min_size=1, max_size=6), st.randoms())
def test_order_and_copies_of_what_is_told_do_not_matter(story: list[Change], random: Any) -> None:
    """The same changes and incidents, in whatever order and however often, show the same suspects."""
    mixed = story + story
    random.shuffle(mixed)
    outcomes = set()
    for sequence, place in ((story, 0), (story, len(story)), (mixed, random.randrange(len(mixed)))):
        core = a_core(ChangeRules(HOUR, maintenance=False, needs=RULES.needs))
        for number, change in enumerate([*sequence, None]):
            if number == place:
                core.tell(received(firing(starts_at=NOON), at=NOON))
            if change is not None:
                told(core, change)
        outcomes.add(core.all(Incident)[0].suspects)

    assert len(outcomes) == 1


@given(st.lists(news.map(lambda each: replace(each, id="ci/a")), min_size=1, max_size=6), st.randoms())
def test_the_last_word_counts_whatever_the_order(story: list[Change], random: Any) -> None:
    def folded(changes: list[Change]) -> Change | None:
        known: Change | None = None
        for each in changes:
            known = merged(known, each)
        return known

    mixed = story + story
    random.shuffle(mixed)
    assert folded(mixed) == folded(story)
