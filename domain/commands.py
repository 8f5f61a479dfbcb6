"""What operators ask of incidents. Values only; ``correlation/commands.py`` decides what comes of them."""

from __future__ import annotations

import msgspec

from domain.known_error import KnownErrorAction
from domain.problem_commands import ProblemAction
from domain.suppression import SuppressionAction


class Acknowledge(msgspec.Struct, frozen=True, array_like=True, tag="acknowledge"):
    """Somebody takes an incident on."""

    incident: str


class Start(msgspec.Struct, frozen=True, array_like=True, tag="start"):
    """Somebody works on it."""

    incident: str


class Hold(msgspec.Struct, frozen=True, array_like=True, tag="hold"):
    """Work has to wait for something."""

    incident: str


class Resolve(msgspec.Struct, frozen=True, array_like=True, tag="resolve"):
    """Somebody says that it is over, whatever fires. It stays so until an alert fires anew."""

    incident: str


class Close(msgspec.Struct, frozen=True, array_like=True, tag="close"):
    """It is over for good: whatever comes later opens another."""

    incident: str


class Reopen(msgspec.Struct, frozen=True, array_like=True, tag="reopen"):
    """A resolved incident has to be worked on after all."""

    incident: str


class Remark(msgspec.Struct, frozen=True, array_like=True, tag="comment"):
    """Somebody has something to say to all who work on it; the reason of the request says it."""

    incident: str


class Assign(msgspec.Struct, frozen=True, array_like=True, tag="assign"):
    """Somebody else works on it from now on."""

    incident: str
    assignee: str


class Merge(msgspec.Struct, frozen=True, array_like=True, tag="merge"):
    """Two incidents are one: the second lives on."""

    incident: str
    into: str


class Split(msgspec.Struct, frozen=True, array_like=True, tag="split"):
    """Some alerts of an incident are another one."""

    incident: str
    alerts: tuple[str, ...]


class Move(msgspec.Struct, frozen=True, array_like=True, tag="move"):
    """Some alerts of an incident belong to another."""

    incident: str
    into: str
    alerts: tuple[str, ...]


class Promote(msgspec.Struct, frozen=True, array_like=True, tag="promote"):
    """It is a major incident."""

    incident: str


class Demote(msgspec.Struct, frozen=True, array_like=True, tag="demote"):
    """It is no major incident after all."""

    incident: str


Regrouping = Merge | Split | Move
LifeAction = Acknowledge | Start | Hold | Resolve | Close | Reopen | Remark | Assign | Promote | Demote
IncidentAction = LifeAction | Regrouping
Action = IncidentAction | SuppressionAction | ProblemAction | KnownErrorAction
