"""The many ways in which tools write a moment, read as milliseconds since 1970, UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from email.utils import parsedate_to_datetime

from domain.times import Millis, to_millis
from ingest.sources.circumstances import zone_of_source

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(?:[.,](\d+))?\s*(Z|UTC|GMT|[+-]\d\d:?\d\d|[+-]\d\d)?",
    re.IGNORECASE,
)
_SECONDS_UNTIL = 1e11
_MILLIS_UNTIL = 1e14
_MICROS_UNTIL = 1e17
_LAST: Millis = 253_402_300_799_999
"""Of the year 9999; no date can show a later one."""
_FORMATS = (
    "%Y/%m/%d %H:%M:%S",
    "%Y.%m.%d %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%a %b %d %H:%M:%S %Y",
)


def parse_moment(given: str | float, zone: tzinfo | None = None) -> Millis | None:
    """Read a moment: RFC 3339 and its relatives, RFC 2822, Unix time in s, ms, µs or ns.

    *zone* is for naive ones; without it they are meant in the zone of the source.

    None for a year before 1971: tools write 0 or year 1 for "not yet".

    >>> parse_moment("2024-01-01T00:00:00Z") == parse_moment("1704067200") == parse_moment(1704067200000)
    True

    Raises:
        ValueError: if it is no moment.
    """
    try:
        return _plausible(_read(given, zone))
    except (OverflowError, TypeError, IndexError):
        raise ValueError(f"{str(given)[:40]!r} is not a moment") from None


def _read(given: str | float, zone: tzinfo | None) -> Millis:
    if isinstance(given, int | float):
        return _from_number(float(given))
    text = given.strip()
    if _NUMBER.fullmatch(text):
        return _from_number(float(text))
    return to_millis(_from_text(text, zone or zone_of_source()))


def _plausible(moment: Millis) -> Millis | None:
    if moment > _LAST:
        raise OverflowError
    return moment if moment >= 365 * 86_400_000 else None


def _from_number(number: float) -> Millis:
    size = abs(number)
    if size < _SECONDS_UNTIL:
        return round(number * 1_000)
    if size < _MILLIS_UNTIL:
        return round(number)
    return round(number / (1_000 if size < _MICROS_UNTIL else 1_000_000))


def _from_text(text: str, zone: tzinfo) -> datetime:
    if match := _ISO.fullmatch(text):
        day, minute, second, fraction, offset = match.groups()
        micros = (fraction or "0")[:6].ljust(6, "0")
        moment = datetime.fromisoformat(f"{day}T{minute}{second or ':00'}.{micros}")
        return _in_zone(moment, offset or "", zone)
    for form in _FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=zone)
        except ValueError:
            continue
    moment = parsedate_to_datetime(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _in_zone(moment: datetime, offset: str, zone: tzinfo) -> datetime:
    if not offset:
        return moment.replace(tzinfo=zone)
    if offset.upper() in {"Z", "UTC", "GMT"}:
        return moment.replace(tzinfo=UTC)
    digits = offset[1:].replace(":", "").ljust(4, "0")
    return datetime.fromisoformat(f"{moment.isoformat()}{offset[0]}{digits[:2]}:{digits[2:]}")
