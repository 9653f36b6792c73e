"""Whether two samples can be draws of one and the same thing, told from their summaries alone."""

from typing import NamedTuple

import numpy as np
from scipy.stats import hypergeom
from scipy.stats import t as student

from suite.statistics.intervals import Array


class Sample(NamedTuple):
    """Many samples' summaries, one element each.

    Attributes:
        mean: of the draws; of events their frequency.
        std: with n - 1; whatever for a single draw.
        n: draws.
    """

    mean: Array
    std: Array
    n: Array


def p_of_means(first: Sample, second: Sample) -> Array:
    """Student's t with the samples' common variance, two-sided, one p an element; nan where both are single draws.

    Under the hypothesis both samples have one law, and so one variance. Welch's test, which lets each have its own,
    is wrong far too often where one sample is small: a few draws of a skewed quantity, or of rare events, may hardly
    vary, and their mean then seems to be known exactly.
    """
    freedom = first.n + second.n - 2
    with np.errstate(divide="ignore", invalid="ignore"):
        squares = sum(np.where(one.n > 1, (one.n - 1) * one.std**2, 0.0) for one in (first, second))
        error = np.sqrt(squares / freedom * (1 / first.n + 1 / second.n))
        p = 2 * student.sf(np.abs(first.mean - second.mean) / error, freedom)
    return np.where(freedom > 0, p, np.nan)


def p_of_frequencies(first: Sample, second: Sample) -> Array:
    """Fisher's exact test, two-sided by twice the smaller tail, one p an element."""
    events, others = (np.rint(one.mean * one.n) for one in (first, second))
    law = hypergeom(first.n + second.n, events + others, first.n)
    return np.asarray(np.minimum(1.0, 2 * np.minimum(law.cdf(events), law.sf(events - 1))))
