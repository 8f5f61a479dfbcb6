"""Which partition an alert belongs to. Pure, and the same for ever: what belongs together must meet."""

from __future__ import annotations

from collections.abc import Callable
from zlib import crc32

from domain.alert import Alert
from domain.fields import AlertFields


def partitioner(labels: tuple[str, ...], partitions: int) -> Callable[[Alert], int]:
    """Place alerts by the values of *labels*."""

    def place(alert: Alert) -> int:
        fields = AlertFields(alert)
        values = "\0".join(fields.get(label) for label in labels)
        return crc32(values.encode("utf-8", "surrogatepass")) % partitions

    return place
