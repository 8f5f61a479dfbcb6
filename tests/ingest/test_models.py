"""What may be written in the YAML, and what is said of the rest."""

import pytest
from pydantic import TypeAdapter, ValidationError

from ingest.models import AuthConfig, LimitsConfig, SourceConfig, Sources, SpoolConfig


def test_defaults():
    assert LimitsConfig().build().max_body == 5 * 1024**2
    assert LimitsConfig().max_unpacked == 20 * 1024**2
    assert SpoolConfig().max_size == 1024**3


def test_sizes_are_written_as_text_or_bytes():
    assert LimitsConfig.model_validate({"max_body": "1.5MiB", "max_unpacked": 1000}).max_body == 1_572_864


def test_secrets_are_not_shown():
    auth = AuthConfig.model_validate({"bearer": "hush", "basic": [{"username": "u", "password": "hush"}]})
    assert "hush" not in repr(auth) + str(auth.model_dump()) + auth.model_dump_json()
    assert auth.build().accepts("Bearer hush")


def test_without_auth_everybody_may_post():
    assert SourceConfig(type="alertmanager").build("prom").auth.accepts(None)


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ({"prom": {"type": "nagioss"}}, ("prom", "type")),
        ({"prom": {"type": "alertmanager", "token": "x"}}, ("prom", "token")),
        ({"prom": {"type": "alertmanager", "auth": {}}}, ("prom", "auth")),
        (
            {"prom": {"type": "alertmanager", "auth": {"bearer": []}}},
            ("prom", "auth", "AuthConfig", "bearer"),
        ),
        (
            {"prom": {"type": "alertmanager", "auth": {"bearer": ""}}},
            ("prom", "auth", "AuthConfig", "bearer"),
        ),
        ({"prom": {"type": "alertmanager", "identity": []}}, ("prom", "identity")),
        ({"a/b": {"type": "alertmanager"}}, ("a/b",)),
        ({"": {"type": "alertmanager"}}, ("",)),
    ],
)
def test_mistakes_are_named_with_their_place(written, place):
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Sources).validate_python(written)
    found = [
        tuple(step for step in error["loc"] if step != "alertmanager") for error in caught.value.errors()
    ]
    found = [
        (*each, "type") if error["type"].startswith("union_tag") else each
        for each, error in zip(found, caught.value.errors(), strict=True)
    ]
    assert any(each[: len(place)] == place for each in found)


@pytest.mark.parametrize("size", ["5 potatoes", "-1", 0, True, None])
def test_bad_sizes(size):
    with pytest.raises(ValidationError):
        LimitsConfig.model_validate({"max_body": size})
