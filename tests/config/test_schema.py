"""The JSON Schema is one, knows the shipped examples, and tells an editor what each key is for."""

from __future__ import annotations

import jsonschema
import pytest

from config.reading import read_document
from config.schema import json_schema
from tests.config.examples import EXAMPLES


@pytest.fixture(scope="module")
def schema():
    return json_schema()


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_example_is_valid(schema, file):
    jsonschema.Draft202012Validator.check_schema(schema)

    document = read_document(file.read_text("utf-8"), file.name)

    jsonschema.validate(document.root.data(), schema)


def test_unknown_key_is_not(schema):
    with pytest.raises(jsonschema.ValidationError, match="sourcez"):
        jsonschema.validate({"sourcez": {}}, schema)


@pytest.mark.parametrize(
    "model", ["CorrelationConfig", "GroupConfig", "RouteConfig", "PriorityConfig", "ServiceConfig"]
)
def test_every_key_is_described(schema, model):
    properties = schema["$defs"][model]["properties"]

    assert [key for key, value in properties.items() if not value.get("description")] == []
