"""A configured source, ready to use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ingest.admission import Gate
from ingest.auth import Authenticator
from ingest.identity_lint import IdentityLint
from ingest.pulse import Pulse
from ingest.sources import Tool
from ingest.sources.circumstances import Circumstances
from ingest.treatment import Treatment


@dataclass(frozen=True, slots=True)
class Source:
    """Who may post under a name, what they post, and how it is treated."""

    name: str
    auth: Authenticator
    tool: Tool
    gate: Gate = field(default_factory=Gate)
    treatment: Treatment = field(default_factory=Treatment)
    circumstances: Circumstances = field(default_factory=Circumstances)
    pulse: Pulse | None = None
    """Of one that something is expected of."""
    answer_bad: Literal[422, 202] = 422
    """What the sender of a body that cannot be read is told; the body is in quarantine either way."""
    lint: IdentityLint | None = None
    """Of one whose identities are made of labels."""
    max_alerts: int = 10_000
    """Most alerts in one body."""
