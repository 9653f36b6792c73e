"""Precision in place of draws: which measures take it, and what their settings say when written down."""

import pytest

from suite.catalog.measures import MEASURES
from suite.catalog.precision import MAX_DRAWS, Precise, precision_asked
from suite.catalog.quantities import QUANTITIES

PRECISE = {name: measure for name, measure in MEASURES.items() if issubclass(measure.settings, Precise)}


def test_every_measure_with_draws_of_its_own_takes_a_precision():
    """Training does not, whose replicates are given, nor V3's limit, which is another quantity for each activation."""
    having = {name for name, measure in MEASURES.items() if "draws" in measure.settings.model_fields}
    assert set(PRECISE) == having - {"v3_limit"}


@pytest.mark.parametrize("name", MEASURES)
def test_a_headline_is_a_quantity_of_its_measure_that_has_an_interval_of_a_mean_or_frequency(name):
    """Those who take a precision have one, and no other."""
    headline = MEASURES[name].primary

    assert (headline is not None) == (name in PRECISE)
    if name in PRECISE:
        assert headline in MEASURES[name].quantities
        assert not [known for known in MEASURES[name].quantities if QUANTITIES[known].kind == "time"]


@pytest.mark.parametrize("name", PRECISE)
def test_settings_are_written_with_their_draws_or_with_their_precision_and_its_limit(name):
    """Not with the default of what does not count."""
    settings = PRECISE[name].settings

    counted, precise = settings(draws=7).model_dump(), settings(precision=0.1).model_dump()

    assert counted["draws"] == 7
    assert "max_draws" not in counted
    assert (precise["precision"], precise["max_draws"]) == (0.1, MAX_DRAWS)
    assert "draws" not in precise
    assert precision_asked(settings(precision=0.1)) == 0.1
    assert precision_asked(settings()) is None
