"""Run the contract suite of one tool's stand-in, and hold all that is said against the vendor's OpenAPI document.

python -m tests.vendors pagerduty openapiv3.json
python -m tests.vendors mattermost v4.yaml --below /api/v4
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from aiohttp import web

from adapters.fakes import FAKES
from tests.vendors.openapi import Document, Exchange, listening

KNOWN: Mapping[str, tuple[str, ...]] = {
    # The document calls it an object; its own example, and the vendor's guides, have a text.
    "pagerduty": ("incident.body.details: ",),
    # The document calls them a text when a post is changed, and an object when one is made or shown.
    "mattermost": ("PUT /api/v4/posts/{post_id}/patch: props: ",),
}
"""Where a document contradicts itself."""
CONTRACT = Path(__file__).parents[1] / "adapters/tickets/test_fakes.py"


def main(arguments: list[str]) -> int:
    """Exit with 1 if anything differs from the document, with 2 if the suite itself fails."""
    asked = _parse(arguments)
    document = Document.read(asked.document)
    exchanges: list[Exchange] = []
    _listen(asked.tool, asked.below, exchanges)
    failed = pytest.main([str(CONTRACT), "-q", "-p", "no:cacheprovider", "-k", f"[{asked.tool}"])
    known = KNOWN.get(asked.tool, ())
    faults = Counter(
        fault
        for exchange in exchanges
        for fault in document.faults(exchange)
        if not any(each in fault for each in known)
    )
    for fault, count in faults.most_common():
        print(f"{count:5} x {fault}")
    print(
        f"{len(exchanges)} exchanges, {len(document.used)} operations of the document, {len(faults)} faults"
    )
    for operation in sorted(document.used):
        print(f"  {operation}")
    return 2 if failed else int(bool(faults))


def _parse(arguments: list[str]) -> Namespace:
    parser = ArgumentParser(
        "python -m tests.vendors", description=__doc__, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("tool", choices=sorted(FAKES))
    parser.add_argument("document", type=Path, help="OpenAPI 3, JSON or YAML")
    parser.add_argument("--below", default="", help="what addresses begin with that the document leaves out")
    return parser.parse_args(arguments)


def _listen(name: str, below: str, exchanges: list[Exchange]) -> None:
    """Have every stand-in of that tool note what is said to it, behind its hazards and its door."""
    plain = FAKES[name].app

    def app(self: object) -> web.Application:
        made = plain(self)  # type: ignore[arg-type] # it is what it was taken from
        if type(self) is FAKES[name]:  # and none that was made of it
            made.middlewares.append(listening(exchanges, below))
        return made

    FAKES[name].app = app  # type: ignore[method-assign] # only for this run


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
