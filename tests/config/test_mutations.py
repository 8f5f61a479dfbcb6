"""Whatever is done to a valid file, it gives settings or problems with a line, and nothing else."""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from config.load import parse
from config.problems import ConfigError
from tests.config.examples import EXAMPLES, SECRETS

Path = tuple[Any, ...]

ODD_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        ["1h", "-1", "5MiB", "${NONE}", "$", "${", "{{", "{% if %}", "amqp://", "http://", "9" * 400 + ".5"]
    ),
    st.lists(st.text(max_size=3), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def places(node: Any, path: Path = ()) -> list[Path]:
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path] * bool(path) + [place for step, below in entries for place in places(below, (*path, step))]


def at(node: Any, path: Path) -> Any:
    for step in path:
        node = node[step]
    return node


@st.composite
def mutated(draw: st.DrawFn) -> str:
    data = yaml.safe_load(draw(st.sampled_from(EXAMPLES)).read_text("utf-8"))
    for _ in range(draw(st.integers(1, 4))):
        if not (there := places(data)):
            break
        path = draw(st.sampled_from(there))
        parent, step = at(data, path[:-1]), path[-1]
        match draw(st.sampled_from(["delete", "replace", "rename", "move"])):
            case "delete":
                del parent[step]
            case "replace":
                parent[step] = draw(ODD_VALUES)
            case "rename" if isinstance(parent, dict):
                parent[draw(st.text(max_size=5))] = parent.pop(step)
            case _:
                parent[step] = deepcopy(at(data, draw(st.sampled_from(there))))
    return yaml.safe_dump(data)


@given(mutated())
def test_mutated_file_gives_settings_or_problems(text):
    try:
        settings = parse(text, "tocsin.yaml", SECRETS)
    except ConfigError as error:
        problems = error.problems
        assert problems
    else:
        problems = list(settings.warnings)
    for problem in problems:
        assert 1 <= problem.line <= text.count("\n") + 1
        assert problem.message


@given(st.text(max_size=60) | st.text("ab:-[]{}&*#\"'\n <!|>%@?", max_size=40))
def test_any_text_gives_settings_or_problems(text):
    with suppress(ConfigError):
        parse(text, "tocsin.yaml", {})
