"""What can go wrong, for callers to tell apart.

::

    TocsinError
    ├── Unavailable            a dependency does not answer; try again later
    │   ├── BrokerUnavailable
    │   └── StoreUnavailable
    ├── StorageFull            no room to keep what was sent; the sender must wait
    ├── Handshake              a tool asks whether a callback's address is ours; answer it
    ├── CallbackRefused        what claims to come from a ticketing tool does not, or cannot be understood
    ├── Fenced                 another process owns the shard now; drop everything held for it
    └── DeliveryError          a ticketing tool did not do what was asked
        ├── TemporaryError     worth another attempt
        └── PermanentError     would fail the same way again
"""

from __future__ import annotations

from enum import StrEnum


class TocsinError(Exception):
    """Base of every error that Tocsin raises on purpose."""


class Unavailable(TocsinError):
    """A dependency does not answer. Whether it did what was asked is unknown."""


class BrokerUnavailable(Unavailable):
    """The broker did not confirm."""


class StoreUnavailable(Unavailable):
    """The state store did not answer."""


class StorageFull(TocsinError):
    """There is no room for what was sent. ``retry_after`` is in seconds."""

    def __init__(self, message: str, *, retry_after: float = 5.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Fenced(TocsinError):
    """The shard was claimed by another process since; nothing was written."""


class CallbackRefused(TocsinError):
    """What was posted as a tool's news is not from it (``is_forged``), or is not what the tool sends."""

    def __init__(self, message: str, *, is_forged: bool = False) -> None:
        super().__init__(message)
        self.is_forged = is_forged


class Handshake(TocsinError):
    """What was posted tells no news: the tool wants to be sent ``answer``, as text, before it sends any."""

    def __init__(self, answer: str) -> None:
        super().__init__("the tool asks whether the address is ours")
        self.answer = answer


class Reason(StrEnum):
    """Why a delivery failed: a short fixed list, good for a metric label."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    AUTHENTICATION = "authentication"
    REJECTED = "rejected"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    BAD_ANSWER = "bad_answer"
    BUG = "bug"


class DeliveryError(TocsinError):
    """A ticketing tool did not do what was asked.

    ``unknown`` tells that it may have been done all the same: the request left, the answer did not come.
    """

    def __init__(self, message: str, reason: Reason, *, unknown: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        self.unknown = unknown
        self.request = ""
        """What was sent, secrets masked; empty where nothing was."""


class TemporaryError(DeliveryError):
    """Worth another attempt, not before ``retry_after`` seconds where the tool said so."""

    def __init__(
        self, message: str, reason: Reason, *, unknown: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message, reason, unknown=unknown)
        self.retry_after = retry_after


class PermanentError(DeliveryError):
    """Would fail the same way again; a person has to change something first."""
