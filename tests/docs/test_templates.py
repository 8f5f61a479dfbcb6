"""docs/templates.md says what templates may use, and what comes of them."""

import json
import re

from routing.rules import RoutingRules
from routing.templates import DESCRIPTION, render
from tests.builders import SERVICES
from tests.docs.pages import blocks, page
from tests.docs.sample import ticket, values
from tests.docs.test_configurations import settings_of

PAGE = page("docs/templates.md")
ROW = re.compile(r"^\| `(\w+)` \|.*\| `([^`]+)` \|$", re.MULTILINE)


def test_the_values_are_those_that_templates_get() -> None:
    """Every value is in the table, with what it is in the example."""
    listed = {name: json.loads(example) for name, example in ROW.findall(PAGE.read_text())}

    assert listed == {
        name: json.loads(json.dumps(value, ensure_ascii=False)) for name, value in values().items()
    }


def test_the_example_makes_the_texts_that_are_shown() -> None:
    config, title, description = blocks(PAGE, "yaml", "text")
    given = settings_of(config).routing
    rules = RoutingRules(services=SERVICES, title=given.title, description=given.description)

    assert ticket(rules).title == title.text.rstrip("\n")
    assert ticket(rules).description.rstrip("\n") == description.text.rstrip("\n")


def test_the_built_in_description_is_the_one_that_is_shown() -> None:
    [shown] = blocks(PAGE, "jinja")

    assert shown.text == DESCRIPTION


def test_what_is_not_there_is_empty() -> None:
    assert render("{{ labels.rack }}{{ nothing.at.all }}", values(), "") == ""
