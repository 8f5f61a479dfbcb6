"""A known error: what incidents it shows itself by, and how to get along with it (ITIL 4: problem management)."""

from __future__ import annotations

import msgspec

from domain.times import Millis

HOUR: Millis = 3_600_000


class KnownError(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A signature and a workaround."""

    id: str
    matchers: tuple[str, ...]
    """What an incident must be like, as Alertmanager writes it."""
    text: str
    """The workaround."""
    url: str = ""
    problem: str = ""
    """Id of the problem it is about, where there is one."""
    helps_within: Millis = 4 * HOUR
    """An incident that is over this soon after the workaround was shown was helped by it."""
    author: str = ""
    recorded_at: Millis = 0


class RecordKnownError(msgspec.Struct, frozen=True, array_like=True, tag="record_known_error"):
    """Somebody knows a workaround. One with the same id takes the place of the one before."""

    known_error: KnownError


class ForgetKnownError(msgspec.Struct, frozen=True, array_like=True, tag="forget_known_error"):
    """The workaround is not needed any more. Incidents that show it keep it."""

    known_error: str


KnownErrorAction = RecordKnownError | ForgetKnownError
