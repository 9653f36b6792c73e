"""Values in messages: as TOML has them, in one line, and short."""

from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from suite.catalog.shown import LONGEST, shown, written


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (1.5, "1.5"),
        ("relu", "'relu'"),
        ([True, "a", 1], "[true, 'a', 1]"),
        ({"name": "elu", "alpha": [0.5, 1.0]}, "{ name = 'elu', alpha = [0.5, 1.0] }"),
        ({}, "{}"),
        ([], "[]"),
        ([{}], "[{}]"),
        (date(1979, 5, 27), "1979-05-27"),
        (time(7, 32), "07:32:00"),
        (datetime(1979, 5, 27, 7, 32, tzinfo=UTC), "1979-05-27T07:32:00+00:00"),
        (float("inf"), "inf"),
        ([[[[1]]]], "[[[[...]]]]"),
        (10**400, "a number of 1329 bits"),
    ],
)
def test_a_value_is_shown_as_toml_has_it(value: Any, text: str) -> None:
    """Not as Python writes it."""
    assert shown(value) == text


def test_what_is_long_is_cut() -> None:
    """However it is long."""
    for value in ("x" * 5000, list(range(5000)), {f"key{number}": number for number in range(5000)}):
        assert len(shown(value)) == LONGEST
        assert shown(value).endswith("...")


def test_what_is_not_given_has_a_word() -> None:
    """Records of runs have what TOML cannot write."""
    assert written(None) == "nothing"
    assert written({"max_error": None}) == "{ max_error = nothing }"
