"""Who may post: a source has any number of schemes, and who passes one of them is let in.

``Authenticator`` is what the server holds; ``Presented`` is what it shows of a request; ``Verdict`` is the answer.
"""

from ingest.auth.authenticator import Authenticator
from ingest.auth.replay import ReplayWindow
from ingest.auth.scheme import Confirm, Fetch, Once, Prepares, Presented, Result, Scheme, Verdict

__all__ = [
    "Authenticator",
    "Confirm",
    "Fetch",
    "Once",
    "Prepares",
    "Presented",
    "ReplayWindow",
    "Result",
    "Scheme",
    "Verdict",
]
