"""What a test of rules can tell, and what it finds."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent, indent

import pytest

from app.cli.testing import failure_lines
from app.rehearsal.files import Reader
from app.rehearsal.playing import Result, play
from config.problems import ConfigError

RULES = """\
sources: {prom: {type: alertmanager}, other: {type: alertmanager}}
correlation: {groups: [{id: by-service, by: [service]}]}
services: {cart: {criticality: high, team: shop}}
routes: [{id: all, destinations: [desk]}]
destinations: {desk: {type: memory}, spare: {type: memory}}
"""
CPU = "alert: {source: prom, name: CPU, severity: high, service: cart}"


def played(folder: Path, story: str, rules: str = RULES) -> Result:
    """Play the one test of a file."""
    (folder / "rules.yaml").write_text(rules)
    file = folder / "a.test.yaml"
    file.write_text("config: rules.yaml\ntests:\n  - name: a\n" + indent(dedent(story), "    "))
    (case,) = Reader({}).cases([file])
    return play(case)


def told(result: Result, folder: Path) -> list[str]:
    """What is said of its failures, the folder left out."""
    lines = [line for failure in result.failures for line in failure_lines(failure)]
    return [line.replace(f"{folder}/", "") for line in lines]


def test_a_difference_has_its_line_and_both_sides(tmp_path: Path) -> None:
    result = played(
        tmp_path,
        f"""\
        input: [{{at: 0s, {CPU}}}]
        expect:
          - at: 2s
            incidents:
              - match: {{service: cart}}
                team: shop
                priority: P2
                tickets:
                  desk: {{title: other}}
        """,
    )

    assert told(result, tmp_path)[:5] == [
        "a.test.yaml:8: incident {service: cart} at 2s",
        "  line  field               expected  found",
        "  10    priority            P2        P1",
        "  12    tickets.desk.title  other     [P1] CPU",
        "  - 12:00:00 opened: first of by-service|service=cart",
    ]


def test_an_incident_that_is_not_there_shows_those_that_are(tmp_path: Path) -> None:
    result = played(
        tmp_path, f"input: [{{at: 0s, {CPU}}}]\nexpect: [{{incidents: [{{match: {{service: a}}}}]}}]"
    )

    assert told(result, tmp_path) == [
        "a.test.yaml:5: incident {service: a} at 1m: 1 expected, 0 found",
        "  - open, 1 alerts, by-service service=cart: CPU",
    ]


def test_counts_and_outcomes_are_compared(tmp_path: Path) -> None:
    story = f"input: [{{at: 0s, {CPU}}}]\nexpect: [{{open: 0, total: 1, outcomes: {{opened: 2, joined: 0}}}}]"

    fields = {
        each.field: (each.expected, each.found) for each in played(tmp_path, story).failures[0].differences
    }

    assert fields == {"open": ("0", "1"), "outcomes.opened": ("2", "1")}


def test_time_goes_on_timers_act_in_between(tmp_path: Path) -> None:
    """An alert that nobody speaks of any more expires while the test is only waiting."""
    result = played(
        tmp_path, f"input: [{{at: 0s, {CPU}}}]\nexpect: [{{at: 23h, open: 1}}, {{at: 25h, open: 0}}]"
    )

    assert result.failures == ()


def test_silence_of_a_source_is_heard(tmp_path: Path) -> None:
    result = played(
        tmp_path,
        f"input: [{{at: 0s, {CPU}}}]\nexpect: [{{at: 4m, total: 1}}, {{at: 6m, total: 2}}]",
        RULES.replace("other: {type: alertmanager}", "beat: {type: alertmanager, expect_every: 5m}"),
    )

    assert result.failures == ()


def test_a_body_is_read_as_its_source_does(tmp_path: Path) -> None:
    (tmp_path / "body.json").write_text(
        '{"version": "4", "receiver": "x", "status": "firing", "alerts": [{"status": "firing", "labels": '
        '{"alertname": "Disk", "service": "cart"}, "annotations": {}, "startsAt": "2024-01-01T11:59:00Z"}]}'
    )
    result = played(
        tmp_path,
        """\
        input: [{at: 0s, post: {source: prom, file: body.json}}]
        expect: [{incidents: [{service: cart}], alerts: [{match: {name: Disk}, verdict: opened, incident: Disk}]}]
        """,
    )

    assert result.failures == ()


def test_a_body_that_cannot_be_read_fails_the_test(tmp_path: Path) -> None:
    (tmp_path / "body.json").write_text("nonsense")
    result = played(
        tmp_path, "input: [{at: 0s, post: {source: prom, file: body.json}}]\nexpect: [{total: 0}]"
    )

    assert told(result, tmp_path)[0].startswith(
        "a.test.yaml:4: input: body.json is not what source prom reads: "
    )


@pytest.mark.parametrize("story", ["", "{at: 1m, ticket: {destination: spare, state: resolved}}"])
def test_a_ticket_that_is_not_there_cannot_be_touched(tmp_path: Path, story: str) -> None:
    result = played(tmp_path, f"input: [{{at: 0s, {CPU}}}{story and ', '}{story}]\nexpect: [{{total: 1}}]")

    assert bool(result.failures) is bool(story)


def test_people_are_heard_from_any_destination(tmp_path: Path) -> None:
    result = played(
        tmp_path,
        f"""\
        input:
          - {{at: 0s, {CPU}}}
          - {{at: 1m, ticket: {{destination: desk, by: ann, state: in_progress, assignee: ann, comment: looking}}}}
        expect: [{{incidents: [{{stage: in_progress, assignee: ann, notes: [looking]}}]}}]
        """,
    )

    assert result.failures == ()


def test_operators_are_obeyed(tmp_path: Path) -> None:
    result = played(
        tmp_path,
        f"""\
        input:
          - {{at: 0s, {CPU}}}
          - {{at: 1m, operator: {{does: resolve, by: ann, why: a test}}}}
        expect: [{{open: 0, incidents: [{{state: resolved, timeline: [operator_resolved]}}]}}]
        """,
    )

    assert result.failures == ()


def test_changes_are_suspected_however_they_are_told(tmp_path: Path) -> None:
    """In plain fields, or in the body that a tool posts."""
    (tmp_path / "body.json").write_text(
        '{"object_kind": "deployment", "status": "success", "deployment_id": 7, "environment": "production", '
        '"status_changed_at": "2024-01-01 12:00:00 +0000", "deployable_url": "https://git.example/1", '
        '"project": {"name": "cart", "path_with_namespace": "shop/cart", "web_url": "https://git.example"}, '
        '"user": {"name": "Gil"}, "short_sha": "abc", "ref": "main", "commit_title": "x"}'
    )
    rules = RULES.replace("other: {type: alertmanager}", "git: {type: gitlab}") + "changes: {}\n"
    result = played(
        tmp_path,
        f"""\
        input:
          - {{at: 0s, post: {{source: git, file: body.json}}}}
          - {{at: 1m, change: {{source: git, id: b, title: New prices, services: [cart]}}}}
          - {{at: 2m, {CPU}}}
        expect: [{{incidents: [{{suspects: [none of these]}}]}}]
        """,
        rules,
    )

    (wrong,) = result.failures[0].differences
    assert wrong.found.startswith("[New prices, ")


def test_it_is_the_same_each_time(tmp_path: Path) -> None:
    story = f"input: [{{at: 0s, repeat: every 7s for 10m, {CPU}}}]\nexpect: [{{total: 2}}]"

    assert told(played(tmp_path, story), tmp_path) == told(played(tmp_path, story), tmp_path)


def test_every_mistake_has_its_line(tmp_path: Path) -> None:
    """Unknown keys, unknown names and files that are not there: all at once, also where others are worse."""
    with pytest.raises(ConfigError) as error:
        played(
            tmp_path,
            """\
            input:
              - {at: soon, alert: {source: prim, name: CPU}}
              - {at: 0s, alert: {name: CPU}, post: {source: prom, file: none.json}}
              - {at: 0s, repeat: often, alert: {source: prom, name: CPU}}
              - {at: 0s, ticket: {destination: dusk}}
            expect:
              - incidents: [{priority: P9, tickets: {dosk: {}}, totl: 1}]
            """,
        )

    found = re.sub("one of alert, .*", "one of alert, …", str(error.value))
    said = found.replace(f"{tmp_path}/", "").replace(", 7d, or as plain seconds", "…")
    assert said.replace(" (did you mean desk?)", "…").splitlines() == [
        "a.test.yaml:5: tests[0].input[0].alert.source: there is no source 'prim' (did you mean prom?)",
        "a.test.yaml:5: tests[0].input[0].at: 'soon' is not a length of time; write it like 30s, 5m, 1h30m…",
        "a.test.yaml:6: tests[0].input[1]: should have one of alert, …",
        "a.test.yaml:6: tests[0].input[1].alert: must say its source; the configuration has: prom, other",
        "a.test.yaml:6: tests[0].input[1].post.file: cannot be read: No such file or directory",
        "a.test.yaml:7: tests[0].input[2].repeat: 'often' should be written like: every 30s for 10m",
        "a.test.yaml:8: tests[0].input[3].ticket.destination: there is no destination 'dusk'…",
        "a.test.yaml:10: tests[0].expect[0].incidents[0].priority: 'P9' is not P1, P2, P3, P4 or P5",
        "a.test.yaml:10: tests[0].expect[0].incidents[0].tickets.dosk: there is no destination 'dosk'…",
        "a.test.yaml:10: tests[0].expect[0].incidents[0].totl: unknown key (did you mean title?)",
    ]


def test_a_configuration_with_mistakes_is_told_of_too(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("source: {}\n")
    (tmp_path / "a.test.yaml").write_text("config: wrong.yaml\ntests: []\n")

    with pytest.raises(ConfigError) as error:
        Reader({}).cases([tmp_path])

    assert [each.file.rpartition("/")[2] for each in error.value.problems] == ["a.test.yaml", "wrong.yaml"]


def test_of_a_folder_only_files_of_tests_are_read(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "other.yaml").write_text("a: [\n")

    assert Reader({}).cases([tmp_path]) == []
