"""docs/diagnosis.md has the numbers that severities follow from."""

import re

from suite.diagnosis.findings import FINDINGS
from suite.diagnosis.severity import CHANCES, NO_FINDING, severity_of
from tests.pages import text_of

PAGE = "docs/diagnosis.md"


def test_the_table_is_that_of_the_code() -> None:
    text = text_of(PAGE)
    for finding in FINDINGS:
        if finding == "labels":
            continue
        shown = re.findall(
            rf"^\| `{finding}` \| (\d+ of \d+) \|.*?\| (\d+ of \d+) \|.*?\| (\w+), (\w+) \|$", text, re.M
        )
        chances = [CHANCES[finding, strength] for strength in ("strong", "mild")]
        expected = [f"{chance.failed} of {chance.networks}" for chance in chances]
        assert shown == [(*expected, severity_of(finding, "strong"), severity_of(finding, "mild"))]
    assert re.search(rf"{NO_FINDING.failed} of\s{NO_FINDING.networks} failed", text)


def test_every_finding_is_described() -> None:
    text = text_of(PAGE)
    assert re.findall(r"^\| `(\w+)` \| [^|]*[a-z] [^|]*\| [\d.;e, ]+ \| [\d.;e, ]+ \|$", text, re.M) == list(FINDINGS)
