"""What shapes of answers are made of."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Next = Annotated[
    str | None, Meta(description="What to give as `cursor` for the next page; null on the last.")
]
