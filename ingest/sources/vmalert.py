"""What VictoriaMetrics' vmalert pushes: the same as Prometheus, to the same address.

https://docs.victoriametrics.com/victoriametrics/vmalert/
"""

from __future__ import annotations

from ingest.sources import prometheus_am_api

TITLE = "vmalert (VictoriaMetrics)"

parse = prometheus_am_api.parse
