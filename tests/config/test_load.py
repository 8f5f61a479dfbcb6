"""What a valid file becomes, and how text, numbers, references and the environment are read."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from config.load import load, parse
from config.problems import ConfigError
from config.settings import Settings
from correlation.rules import CorrelationRules, GroupRule
from domain.matching import Matcher
from domain.priority import Level, Priority
from routing.rules import Criticality, Route, RoutingRules, Service
from tests.config.examples import EXAMPLES, FOLDER, SECRETS

MINUTE, HOUR = 60_000, 3_600_000


def settings_of(text: str, **environ: str) -> Settings:
    return parse(text, "tocsin.yaml", environ)


def mistakes_of(text: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        settings_of(text, **environ)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_example_loads_without_a_warning(file):
    assert load(file, SECRETS).warnings == ()


def test_file_of_the_issue():
    settings = load(FOLDER / "minimal.yaml", {})

    assert list(settings.sources) == ["prom"]
    assert settings.correlation.groups == (GroupRule("by-service", ("service",), window=HOUR),)
    assert settings.routing.services == {
        "checkout": Service("checkout", Criticality.HIGH, "payments"),
        "search": Service("search", Criticality.LOW, "search"),
    }
    assert settings.routing.routes == (Route("#1", ("noc",)),)
    assert settings.destinations["noc"].type == "webhook"
    assert (settings.broker, settings.store) == (None, None)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n", "routes:\n  # none yet\n"])
def test_file_with_nothing_in_it_is_all_defaults(text):
    settings = settings_of(text)

    assert settings.correlation == CorrelationRules(destinations=frozenset(), version=settings.version)
    assert settings.routing == RoutingRules()
    assert (settings.partitions, settings.partition_by) == (1, ())
    assert [warning.path for warning in settings.warnings] == ["destinations", "sources"]


def test_scale_out_example():
    settings = load(FOLDER / "scale-out.yaml", SECRETS)

    assert settings.broker is not None
    assert settings.broker.get_secret_value() == (
        "amqp://tocsin:hunter2-rabbitmq_password@rabbitmq.example.com/tocsin"
    )
    assert settings.correlation.identity == {"batch": ("alertname", "job", "instance")}
    assert (settings.partitions, settings.partition_by) == (4, ("site",))
    payments, everything = settings.routing.routes
    assert payments.proceed
    assert [route.id for route in everything.routes] == ["urgent"]


def test_groups_and_priority_are_compiled():
    settings = settings_of(
        """
        correlation:
          groups: [{id: net, by: [site, rack], window: 90, max_age: 1h30m, match: {kind: [net, 5]}}]
        priority: {impact: {low: medium}, matrix: {low: {low: P4}}, lower_after: 5m, default: {team: ops}}
        """
    )

    match = Matcher.of({"kind": ["net", "5"]})
    assert settings.correlation.groups == (GroupRule("net", ("site", "rack"), 90_000, 90 * MINUTE, match),)
    assert settings.routing.impact[Criticality.LOW] == Level.MEDIUM
    assert settings.routing.matrix[Level.LOW, Level.LOW] is Priority.P4
    assert settings.routing.matrix[Level.HIGH, Level.HIGH] is Priority.P1
    assert settings.routing.lower_after == 5 * MINUTE
    assert settings.routing.default_service.team == "ops"


@pytest.mark.parametrize(
    "written",
    ["no", "on", "12:30", "1.10", "007", "0x1F", "1_000", "2024-01-01", "true", "-1", "1e3", "=", "9" * 500],
)
def test_text_is_what_was_written(written):
    """YAML 1.1 would read another value into each of these."""
    settings = settings_of(f"services: {{{written}: {{team: {written}, depends_on: [{written}]}}}}")

    assert settings.routing.services == {written: Service(written, team=written, depends_on=(written,))}


@pytest.mark.parametrize("written", ["yes", "on", "true", "True", '"true"', "'${YES}'"])
def test_truth_is_understood_in_all_its_spellings(written):
    text = f"routes: [{{continue: {written}, destinations: [a]}}]\ndestinations: {{a: {{type: memory}}}}"

    assert settings_of(text, YES="yes").routing.routes[0].proceed


@pytest.mark.parametrize(
    ("written", "team"),
    [
        ("${TEAM}", "ops"),
        ("the ${TEAM} team", "the ops team"),
        ("${NONE:-web}", "web"),
        ("${NONE:-}", ""),
        ("${EMPTY}", ""),
        ("${EMPTY:-web}", "web"),
        ("${NUMBER}", "007"),
        ("$${TEAM}", "${TEAM}"),
        ("$TEAM costs 5$", "$TEAM costs 5$"),
        ("${SELF}", "${TEAM}"),
    ],
)
def test_references(written, team):
    environ = {"TEAM": "ops", "EMPTY": "", "NUMBER": "007", "SELF": "${TEAM}"}

    assert (
        settings_of(f"services: {{a: {{team: '{written}'}}}}", **environ).routing.services["a"].team == team
    )


def test_reference_gives_a_number_where_one_is_wanted():
    text = "correlation:\n  stale_after: ${SECONDS}\n  partitions: ${COUNT}\n  partition_by: [site]\n"

    settings = settings_of(text, SECONDS="7200", COUNT="3")

    assert (settings.correlation.stale_after, settings.partitions) == (2 * HOUR, 3)


def test_reference_to_a_file(tmp_path):
    (tmp_path / "token").write_text("s3cret\n", "utf-8")
    file = tmp_path / "tocsin.yaml"
    file.write_text("sources: {prom: {type: alertmanager, auth: {bearer: '${file:token}'}}}", "utf-8")

    auth = load(file, {}).sources["prom"].auth

    assert auth is not None
    assert not isinstance(auth, list)
    assert isinstance(auth.bearer, SecretStr)
    assert auth.bearer.get_secret_value() == "s3cret"


def test_environment_goes_before_the_file():
    settings = settings_of(
        "broker: amqp://file\nstore: redis://file", TOCSIN_BROKER="amqp://environment", TOCSIN_STORE=""
    )

    assert settings.broker is not None
    assert settings.broker.get_secret_value() == "amqp://environment"
    assert settings.store is not None
    assert settings.store.get_secret_value() == "redis://file"


def test_wrong_address_in_the_environment_is_a_mistake():
    assert mistakes_of("routes: []\n", TOCSIN_BROKER="http://secret") == [
        "tocsin.yaml:1: broker: should begin with amqp:// or amqps:// (from ${TOCSIN_BROKER})"
    ]


def test_merge_keys():
    settings = settings_of(
        """
        services:
          a: &a {criticality: high, team: web}
          b: {<<: *a, team: ops}
          c: {<<: [{team: first}, *a]}
        """
    )

    services = settings.routing.services
    assert services["b"] == Service("b", Criticality.HIGH, "ops")
    assert services["c"] == Service("c", Criticality.HIGH, "first")


def test_file_that_is_not_there(tmp_path):
    file = tmp_path / "tocsin.yaml"

    with pytest.raises(ConfigError, match=r"tocsin\.yaml:1: cannot be read: No such file or directory"):
        load(file, {})


def test_folder_is_no_file(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path, {})


def test_file_that_is_not_utf8(tmp_path):
    file = tmp_path / "tocsin.yaml"
    file.write_bytes("routes: []\n# café\n".encode("latin-1"))

    with pytest.raises(ConfigError, match=r"tocsin\.yaml:2: is not UTF-8 text; save it as UTF-8"):
        load(file, {})


def test_byte_order_mark_is_no_mistake(tmp_path):
    file = tmp_path / "tocsin.yaml"
    file.write_bytes("\ufeffroutes: []\n".encode())

    load(file, {})


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "- " * 100_000, "a: " + "{b: " * 500, "x: &x [*x]", "a: \0", "a: \a"]
)
def test_hostile_file_is_a_mistake(text):
    assert mistakes_of(text)


def test_message_stays_on_one_line():
    [said] = mistakes_of('services: {a: {criticality: "x\\ny"}}')

    assert "\n" not in said


def test_relative_path_of_the_folder_is_the_default():
    with pytest.raises(ConfigError, match="cannot read no-such-file"):
        parse("templates: {title: '${file:no-such-file}'}", "tocsin.yaml", {}, Path())
