"""What the server holds of a source: all its schemes, and what was taken already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from domain.times import Millis
from ingest.auth.choice import first_or_best
from ingest.auth.credentials import Credentials
from ingest.auth.replay import ReplayWindow
from ingest.auth.scheme import Confirm, Fetch, Presented, Result, Scheme, Verdict

_OPEN = Verdict(Result.ACCEPTED, "open", "everybody may post")


class Authenticator:
    """Lets in who passes any of the schemes. Without one, everybody may post.

    Bearer and basic alone (``header_only``) need nothing but ``accepts``; everything goes through ``check``.
    """

    def __init__(
        self,
        bearer: Iterable[str] = (),
        basic: Iterable[tuple[str, str]] = (),
        schemes: Sequence[Scheme] = (),
        fetch: Fetch | None = None,
    ) -> None:
        credentials = Credentials(bearer, basic)
        self._credentials = credentials or None
        self._accepted: str | None = None
        """The very header that was accepted last: one that is known to be the same needs no comparing again."""
        self._schemes: tuple[Scheme, ...] = (credentials, *schemes) if credentials else tuple(schemes)
        self._taken = ReplayWindow()
        self._fetch = fetch
        self.open = not self._schemes
        """Whether everybody may post."""
        self.header_only = not schemes
        """Whether ``accepts`` says all there is to say."""
        self.reads_body = any(scheme.reads_body for scheme in self._schemes)
        """Whether ``check`` needs the body; if not, it can come before the body is read."""
        challenges = dict.fromkeys(scheme.challenge for scheme in self._schemes)
        self.challenge = ", ".join(challenge for challenge in challenges if challenge)
        """Value of ``WWW-Authenticate`` that says what is asked for."""

    def accepts(self, header: str | None) -> bool:
        """Tell whether an ``Authorization`` *header* lets in by itself, as bearer or basic."""
        if self._credentials is None:
            return self.open
        if header is not None and header is self._accepted:
            return True
        if accepted := self._credentials.accepts(header):
            self._accepted = header
        return accepted

    async def check(self, presented: Presented) -> Verdict:
        """Ask the schemes in turn; if none accepts, the verdict is the one that tells the sender most."""
        if self.open:
            return _OPEN
        verdict = await first_or_best(self._schemes, presented)
        if not (verdict.accepted and verdict.once and self._taken.holds(verdict.once, presented.now)):
            return verdict
        self._taken.remember(verdict.once, presented.now)  # sent again later, it is fresh for longer
        return replace(verdict, result=Result.REPLAYED, reason="it was taken before", confirm=None)

    def remember(self, verdict: Verdict, now: Millis) -> None:
        """Take note that what was accepted is on durable storage; before that the sender may have to repeat it."""
        if verdict.accepted and verdict.once:
            self._taken.remember(verdict.once, now)

    async def confirm(self, confirm: Confirm) -> None:
        """Do what was decided about a handshake.

        Raises:
            Unavailable: if the other side cannot be reached; the handshake will be repeated if we say so.
        """
        if confirm.url and self._fetch is not None:
            await self._fetch(confirm.url)
