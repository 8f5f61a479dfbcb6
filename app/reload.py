"""Takes up a changed configuration while Tocsin runs: all of it, or nothing of it where it has a mistake.

What a process is built on cannot be exchanged under it: then the answer says that it needs a restart, and the rest is
taken up. Incidents that are open are not judged anew at once: that would be a storm of tickets for a changed comma.
Each is when something happens to it, by the rules in force then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import structlog

from app.service import Service, clock
from app.standing import Reloaded, Standing
from config.problems import ConfigError
from config.settings import Settings

LOOK_EVERY = 1.0
"""Seconds between two looks at the files, where they are watched."""
DAY_EVERY = 60.0
"""Seconds between two looks at the calendar, for rules that expire."""

Stamp = tuple[tuple[int, int, int], ...]

log = structlog.get_logger("reload")


class Reloader:
    """Reloads one process."""

    def __init__(self, service: Service, load: Callable[[], Settings]) -> None:
        """Reload *service* with what *load* reads, which may take its time and raise ``ConfigError``."""
        self._service = service
        self._load = load
        self._one_by_one = asyncio.Lock()
        self._asked = asyncio.Event()
        self._loaded_at = clock()
        self._mistakes: tuple[str, ...] = ()

    @property
    def standing(self) -> Standing:
        """How it stands."""
        mistakes = self._mistakes
        return Standing(self._service.settings.version, self._loaded_at, bool(mistakes), mistakes)

    def ask(self) -> None:
        """Have ``run`` reload soon; for a signal's handler."""
        self._asked.set()

    async def reload(self, cause: str) -> Reloaded:
        """Read the configuration again, and take it up.

        Raises:
            ConfigError: it has mistakes; nothing has changed.
        """
        async with self._one_by_one:
            try:
                settings = await asyncio.to_thread(self._load)
            except ConfigError as error:
                self._note(error, cause)
                raise
            return await self._take_up(settings, cause)

    def _note(self, error: ConfigError, cause: str) -> None:
        self._mistakes = tuple(map(str, error.problems))
        count, first = len(self._mistakes), self._mistakes[0]
        log.error("config_reload_failed", cause=cause, mistakes=count, first=first)

    async def _take_up(self, settings: Settings, cause: str) -> Reloaded:
        before = self._service.settings
        await self._service.adopt(_with_foundations_of(before, settings))
        self._mistakes = ()
        self._loaded_at = clock()
        warnings = (*map(str, settings.warnings), *_consequences(before, settings))
        done = Reloaded(settings.version, before.version, _needing_restart(before, settings), warnings)
        log.info(
            "config_reloaded",
            cause=cause,
            version=done.version,
            before=done.before,
            needs_restart=done.needs_restart,
        )
        return done

    async def run(self, *, watch: bool) -> None:
        """Reload when asked to, when a rule expires and, if *watch*, when a file has changed; until cancelled."""
        loaded = before = await self._stamp() if watch else ()
        tried: date | None = None
        while True:
            cause = ""
            if await self._is_asked(LOOK_EVERY if watch else DAY_EVERY):
                cause = "signal"
            if watch:
                now = await self._stamp()
                if now != loaded and now == before:  # it has settled: nobody writes it at the moment
                    cause, loaded = cause or "file changed", now
                before = now
            if self._has_expired() and tried != (tried := _today()):
                cause = cause or "rule expired"
            if cause:
                await self._try(cause)

    async def _try(self, cause: str) -> None:
        try:
            await self.reload(cause)
        except ConfigError:
            pass  # it was told
        except Exception:  # a defect must not take down what works
            log.exception("config_reload_broke", cause=cause)

    async def _is_asked(self, patience: float) -> bool:
        try:
            async with asyncio.timeout(patience):
                await self._asked.wait()
        except TimeoutError:
            return False
        self._asked.clear()
        return True

    async def _stamp(self) -> Stamp:
        return await asyncio.to_thread(_stamp_of, self._service.settings.files)

    def _has_expired(self) -> bool:
        last = self._service.settings.expires
        return last is not None and last < _today()


def _with_foundations_of(before: Settings, after: Settings) -> Settings:
    """Keep what a running process stands on."""
    return replace(
        after,
        broker=before.broker,
        store=before.store,
        partitions=before.partitions,
        partition_by=before.partition_by,
        api=before.api if _opens(before, after) else after.api,
        ingest=after.ingest.model_copy(update={"spool": before.ingest.spool}),
    )


def _needing_restart(before: Settings, after: Settings) -> tuple[str, ...]:
    pairs = {
        "broker": (before.broker, after.broker),
        "store": (before.store, after.store),
        "correlation.partitions": (before.partitions, after.partitions),
        "correlation.partition_by": (before.partition_by, after.partition_by),
        "ingest.spool": (before.ingest.spool, after.ingest.spool),
    }
    changed = [name for name, (ours, theirs) in pairs.items() if ours != theirs]
    return (*changed, *(["api"] if _opens(before, after) else []))


def _opens(before: Settings, after: Settings) -> bool:
    """Tell whether everybody could do everything from now on: only a start can keep that on this machine."""
    return after.api.is_open and not before.api.is_open


def _consequences(before: Settings, after: Settings) -> Iterator[str]:
    """Tell what follows of a change that hardly anybody thinks of."""
    ours, theirs = before.correlation.identity, after.correlation.identity
    for source in sorted(before.sources.keys() & after.sources.keys()):
        if ours.get(source) != theirs.get(source):
            yield (
                f"sources.{source}.identity: what fires now counts as another alert from here on; "
                f"as it was known before, it is taken for resolved when nothing is heard of it"
            )


def _stamp_of(files: Iterable[Path]) -> Stamp:
    return tuple(map(_state_of, files))


def _state_of(file: Path) -> tuple[int, int, int]:
    try:
        status = file.stat()
    except OSError:
        return (0, 0, 0)
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def _today() -> date:
    return datetime.now(UTC).date()
