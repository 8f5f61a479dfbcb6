"""What operators ask of incidents. Values only; ``correlation/commands.py`` decides what comes of them."""

from __future__ import annotations

import msgspec

from domain.known_error import KnownErrorAction
from domain.problem_commands import ProblemAction
from domain.suppression import SuppressionAction


class Acknowledge(msgspec.Struct, frozen=True, array_like=True, tag="acknowledge"):
    """Somebody takes an incident on."""

    incident: str


class Resolve(msgspec.Struct, frozen=True, array_like=True, tag="resolve"):
    """Somebody says that it is over, whatever fires. It stays so until an alert fires anew."""

    incident: str


Action = Acknowledge | Resolve | SuppressionAction | ProblemAction | KnownErrorAction
