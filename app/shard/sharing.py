"""Which process is to work which shards, so that all have about as many. Pure.

All that know the same processes and shards come to the same result, without a leader.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from hashlib import blake2b


def shared(processes: Collection[str], shards: Collection[str]) -> dict[str, str]:
    """Give each shard to the process that ranks highest for it among those that have room.

    This is rendezvous hashing, bounded so that no two processes differ by more than one shard.

    >>> shared(["a", "b"], ["alerts.0", "alerts.1"])
    {'alerts.0': 'b', 'alerts.1': 'a'}
    """
    fewest, spare = divmod(len(shards), len(processes))
    held = Counter(dict.fromkeys(processes, 0))
    owners = {}
    for shard in sorted(shards):
        with_room = [each for each in processes if held[each] < fewest + (spare > 0)]
        owner = owners[shard] = max(with_room, key=lambda each: (weight(each, shard), each))
        held[owner] += 1
        spare -= held[owner] > fewest
    return owners


def weight(process: str, shard: str) -> int:
    """Rank *process* for *shard*: at random, but for everybody and for ever the same."""
    return int.from_bytes(blake2b(f"{process}\0{shard}".encode(), digest_size=8).digest())
