"""What operators ask for."""

from __future__ import annotations

from correlation.state import timeline_log
from domain.commands import Acknowledge, Action, Resolve
from domain.events import OperatorAsked
from domain.incident import Incident, Stage, TimelineEntry
from tests.builders import MINUTE, NOON, correlation_core, firing, received
from tests.core import Core


def asked(core: Core, action: Action, at: int = NOON + MINUTE) -> Incident:
    """Ask, and return the one incident."""
    core.tell(OperatorAsked(at, "alice", "planned work", action))
    (incident,) = core.all(Incident)
    assert isinstance(incident, Incident)
    return incident


def opened(core: Core) -> str:
    core.tell(received(firing(), at=NOON))
    return str(core.all(Incident)[0].id)


def test_acknowledged_by_an_operator() -> None:
    """The stage changes, and the timeline says who and why."""
    core = correlation_core()

    incident = asked(core, Acknowledge(opened(core)))

    assert incident.stage is Stage.ACKNOWLEDGED
    said = core.logs[timeline_log(incident.id)][-1]
    assert isinstance(said, TimelineEntry)
    assert (said.verdict, said.reason) == ("operator_acknowledged", "by alice: planned work")


def test_resolved_by_an_operator_stays_so() -> None:
    """Repeats of what fires do not open it again; a new episode does."""
    core = correlation_core()
    incident = asked(core, Resolve(opened(core)))
    assert (incident.is_open, sum(incident.firing)) == (False, 1)

    core.tell(received(firing(), at=NOON + 2 * MINUTE))
    assert not core.all(Incident)[0].is_open

    core.tell(received(firing(starts_at=NOON + 3 * MINUTE), at=NOON + 3 * MINUTE))
    assert core.all(Incident)[0].is_open


def test_asking_twice_changes_nothing_more() -> None:
    """The second is no change, so it is not told either."""
    core = correlation_core()
    incident = opened(core)

    first = asked(core, Resolve(incident))
    assert asked(core, Resolve(incident), NOON + 2 * MINUTE) == first


def test_what_is_gone_is_left_alone() -> None:
    """An incident that nobody knows is no error."""
    core = correlation_core()

    core.tell(OperatorAsked(NOON, "alice", "", Acknowledge("0" * 16)))

    assert core.all(Incident) == []
