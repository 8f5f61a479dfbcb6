"""Words of `tocsin_ingest_noticed_total`: the page names all that the code counts."""

import re

from tests.docs.pages import ROOT, page

WORD = re.compile(r'noticed\[(?:source\.name, |post\.source, )?"(\w+)"\]')


def test_all_words_are_on_the_page() -> None:
    [row] = [line for line in page("docs/operations.md").read_text().splitlines() if "ingest_noticed" in line]
    counted = {word for path in (ROOT / "ingest").rglob("*.py") for word in WORD.findall(path.read_text())}

    assert len(counted) > 5
    assert counted <= set(re.findall(r"`(\w+)`", row))
