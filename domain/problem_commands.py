"""What operators ask of problems. Values only; ``correlation/problem_commands.py`` decides what comes of them."""

from __future__ import annotations

import msgspec


class ResolveProblem(msgspec.Struct, frozen=True, array_like=True, tag="resolve_problem"):
    """Somebody says that the cause is gone. Time tells whether it is."""

    problem: str


class ReopenProblem(msgspec.Struct, frozen=True, array_like=True, tag="reopen_problem"):
    """Somebody says that the cause is still there."""

    problem: str


class WorkAround(msgspec.Struct, frozen=True, array_like=True, tag="work_around"):
    """Somebody knows how to get along meanwhile: it becomes a known error."""

    problem: str
    text: str
    url: str = ""


ProblemAction = ResolveProblem | ReopenProblem | WorkAround
