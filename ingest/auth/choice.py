"""Several schemes, of which one is enough."""

from __future__ import annotations

from collections.abc import Iterable

from ingest.auth.scheme import RANK, Prepares, Presented, Result, Scheme, Verdict


async def first_or_best(schemes: Iterable[Scheme], presented: Presented) -> Verdict:
    """Give the verdict of the first scheme that accepts, else the one that tells most."""
    best = Verdict(Result.NO_CREDENTIALS)
    for scheme in schemes:
        if isinstance(scheme, Prepares):
            await scheme.prepare(presented)
        best = _better(best, scheme.check(presented))
        if best.accepted:
            break
    return best


async def prepare_all(schemes: Iterable[Scheme], presented: Presented) -> None:
    """Prepare those that need it."""
    for scheme in schemes:
        if isinstance(scheme, Prepares):
            await scheme.prepare(presented)


def best_of(schemes: Iterable[Scheme], presented: Presented) -> Verdict:
    """Decide, when all is prepared."""
    best = Verdict(Result.NO_CREDENTIALS)
    for scheme in schemes:
        best = _better(best, scheme.check(presented))
        if best.accepted:
            break
    return best


def _better(one: Verdict, other: Verdict) -> Verdict:
    """Choose who lets in, or says most of why not; one without a scheme gives way to any."""
    if other.accepted or not one.scheme:
        return other
    return other if RANK[other.result] > RANK[one.result] else one
