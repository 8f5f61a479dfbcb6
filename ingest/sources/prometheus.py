"""What Prometheus, vmalert and Thanos push to an Alertmanager: its API v2, ``POST /api/v2/alerts``.

https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from __future__ import annotations

import msgspec

from domain.alert import Alert
from domain.times import Millis
from ingest.sources.alertmanager import LabelledAlert, build
from ingest.sources.body import decode
from ingest.sources.fingerprint import fingerprint

_decoder = msgspec.json.Decoder(list[LabelledAlert])


def parse(body: bytes, received_at: Millis, source: str) -> list[Alert]:
    """Read one push. Identity and state come out as they would by way of a real Alertmanager.

    Raises:
        BadBody: if it is not one.
    """
    return [_alert(each, received_at, source) for each in decode(_decoder, body)]


def _alert(given: LabelledAlert, received_at: Millis, source: str) -> Alert:
    if "" in given.labels.values():  # for Prometheus an empty label is no label
        given.labels = {name: value for name, value in given.labels.items() if value}
    return build(given, None, fingerprint(given.labels), received_at, source)
