"""The judge of what is said over HTTP: what it lets pass, and what not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.vendors.openapi import Document, Exchange

TICKET = {
    "type": "object",
    "required": ["title", "state"],
    "properties": {
        "title": {"type": "string"},
        "state": {"enum": ["open", "closed"]},
        "owner": {"type": "string"},
    },
}
DOCUMENT = {
    "openapi": "3.0.3",
    "components": {"schemas": {"ticket": TICKET}},
    "paths": {
        "/tickets/{id}": {
            "put": {
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ticket"}}}
                },
                "responses": {
                    "200": {
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ticket"}}}
                    }
                },
            }
        }
    },
}
GOOD = {"title": "down", "state": "open"}


def faults(
    sent: Any = GOOD, answered: Any = GOOD, *, path: str = "/tickets/7", status: int = 200
) -> list[str]:
    """Hold one exchange against the document."""
    return list(Document(DOCUMENT).faults(Exchange("PUT", path, sent, status, answered)))


def test_what_fits_has_no_faults() -> None:
    """An answer may leave out what the stand-in does not know."""
    assert faults(answered={"state": "open"}) == []


def test_requests_must_be_whole() -> None:
    """We leave nothing out that the vendor requires."""
    assert faults(sent={"state": "open"}) == ["PUT /tickets/{id}: body: 'title' is a required property"]


def test_answers_must_be_true() -> None:
    """A word that the tool would never say is a fault of the stand-in."""
    (fault,) = faults(answered={"state": "OPEN"})

    assert fault.startswith("PUT /tickets/{id} answering 200: state: 'OPEN' is not one of")


def test_unknown_addresses_and_answers_are_told() -> None:
    """Neither a path nor a status that the document has not."""
    assert faults(path="/tickets") == ["PUT /tickets is not in the document"]
    assert faults(status=201) == ["PUT /tickets/{id}: 201 is not among its answers ['200']"]


def test_refusals_are_not_looked_at() -> None:
    """What is wrong on purpose is no fault."""
    assert faults(sent={}, answered={}, status=422) == []


def test_older_documents_are_refused(tmp_path: Path) -> None:
    """Swagger 2 says things in another way; nothing would be checked."""
    file = tmp_path / "old.yaml"
    file.write_text("swagger: '2.0'\npaths: {}\n")

    with pytest.raises(ValueError, match=r"old\.yaml is not a document of OpenAPI 3"):
        Document.read(file)
