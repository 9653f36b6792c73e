"""The claim tests that a spec can name; each is a statement that draws can confirm or refute."""

from typing import Annotated, Any, ClassVar, Literal, Union

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from suite.catalog.predict import BASELINES, Outcome
from suite.catalog.settings import Settings
from suite.catalog.where import Scalar, Where

_PAIR = 2

Statistic = Literal["mean", "median"]


QUANTITY_KEYS = ("quantity", "first", "second", "predictor", "outcome", "bound")
"""Keys of claims that name a quantity."""

THEORY = "theory"
"""The `bound` that stands for the theoretical value of the quantity, and not for another quantity."""


class Claim(Settings):
    """A statement about the results of a study."""

    test: str
    formula: ClassVar[str]
    function: ClassVar[str]
    """The dotted path of the function that tests the claim."""

    estimate: ClassVar[str] = "estimate"
    """The meaning of the estimate in a verdict; for claims about every member or pair, that of the decisive one."""

    compares: ClassVar[bool] = False
    """Whether the estimate is a difference of two values of `quantity`."""

    says: str = Field(min_length=1, description="the claim, in one sentence")
    source: str = Field(default="", description="source of the claim; default: the source of the study")
    expected: Literal["holds", "fails"] | None = Field(
        default=None, description="the verdict that `source` states, or that a control must have"
    )
    control: bool = Field(
        default=False, description="whether the claim tests the method: its verdict is known from how it is made"
    )
    answers: bool = Field(default=False, description="whether the claim answers the question of the study")
    where: Where = Field(
        default={}, description="values of axes that select members; a value or a list of values per axis"
    )
    statistic: Statistic = Field(
        default="mean", description="the statistic over the draws of a member; use the median for heavy tails"
    )
    layer: int | None = Field(
        default=None, ge=1, description="the layer, for quantities with layers; default: the last one"
    )

    @model_validator(mode="after")
    def _expectation_has_a_ground(self) -> "Claim":
        if self.expected and not (self.source or self.control):
            raise PydanticCustomError(
                "expected",
                "an expected verdict needs its reference; set source to what states it, or control = true, or remove "
                "expected",
            )
        if self.control and not self.expected:
            raise PydanticCustomError(
                "control", 'a control needs the verdict that it must have; set expected = "fails" or "holds"'
            )
        return self

    @property
    def quantities(self) -> tuple[str, ...]:
        """The quantities that the claim is about."""
        named = (getattr(self, key) for key in QUANTITY_KEYS if key in type(self).model_fields)
        return tuple(name for name in named if name != THEORY)

    def claimed(self) -> tuple[float | None, float | None]:
        """Return the ends of the range that the claim states for the estimate; None where it is open."""
        return 0.0, None

    @property
    def population(self) -> Literal["members", "family"]:
        """Whether the claim is about these members, or about the family that they are a sample of."""
        return "family" if getattr(self, "of", "") == "family" else "members"

    def describe_estimate(self, members: int) -> str:
        """Return the meaning of the estimate in a verdict, such as "smallest rise".

        Args:
            members: The number of members that were compared.
        """
        return self.estimate

    def describe_requirement(self) -> str:
        """Return what the claim requires of the estimate, such as "more than 0.1".

        Return an empty string if only the sign of the estimate counts.
        """
        return ""


def _either(at_least: float | None, at_most: float | None, what: str) -> None:
    if (at_least is None) == (at_most is None):
        raise PydanticCustomError(
            "bound", "{what} requires exactly one bound; set either at_least or at_most", {"what": what}
        )


class PeaksInside(Claim):
    """The maximum along an axis lies at neither end."""

    test: Literal["peaks_inside"] = "peaks_inside"
    formula = "some inner value of `along` has a larger `quantity` than both ends"
    function = "suite.analysis.claims_about_order:peaks_inside"
    estimate = "smallest difference between the peak and an end"
    compares = True
    quantity: str = Field(description="the quantity that has a maximum")
    along: str = Field(description="an axis of numbers")


class Monotone(Claim):
    """A quantity rises, or falls, along an axis from each value to the next."""

    test: Literal["monotone"] = "monotone"
    formula = "`quantity` rises, or falls, from each value of `along` to the next, up to `slack`"
    function = "suite.analysis.claims_about_order:monotone"
    compares = True
    quantity: str = Field(description="the quantity")
    along: str = Field(description="an axis of numbers")
    direction: Literal["rises", "falls"] = Field(description="the direction")
    slack: float = Field(default=0.0, ge=0, description="allowed step in the other direction")

    def describe_estimate(self, members: int) -> str:
        """Return the direction of the smallest step; a negative fall is a rise."""
        return f"smallest {self.direction.removesuffix('s')}"

    def claimed(self) -> tuple[float | None, float | None]:
        """Return the smallest allowed step."""
        return -self.slack, None

    def describe_requirement(self) -> str:
        """Return the lower bound of a step, which is minus the slack; empty without a slack."""
        return f"more than -{self.slack:g}" if self.slack else ""


class PairClaim(Claim):
    """A claim that compares two values of one axis wherever all other axes match."""

    quantity: str
    axis: str = Field(description="the axis that differs")
    value: Scalar
    than: Scalar


class Greater(PairClaim):
    """One value of an axis has a larger quantity than another, wherever all other axes match."""

    test: Literal["greater"] = "greater"
    formula = "`quantity` at `axis` = `value` exceeds that at `than` by more than `margin`, all other axes equal"
    function = "suite.analysis.claims_about_order:greater"
    estimate = "difference"
    compares = True
    quantity: str = Field(description="the quantity that is larger")
    value: Scalar = Field(description="the value with the larger quantity")
    than: Scalar = Field(description="the value with the smaller quantity")
    margin: float = Field(default=0.0, description="minimum difference")
    of: Literal["every", "average", "family"] = Field(
        default="every",
        description="in every matched pair of members, on average over these pairs, or on average over the family that "
        "the pairs are a sample of",
    )

    def describe_estimate(self, members: int) -> str:
        """Return which difference the estimate is: the only one, the average, or the smallest over pairs."""
        if self.of != "every":
            return "average difference" + (" in the family" if self.of == "family" else "")
        return "smallest difference over the compared pairs" if members > _PAIR else self.estimate

    def claimed(self) -> tuple[float | None, float | None]:
        """Return the smallest claimed difference."""
        return self.margin, None

    def describe_requirement(self) -> str:
        """Return the margin; empty without a margin."""
        return f"more than {self.margin:g}" if self.margin else ""


class RankCorrelation(Claim):
    """Two quantities are positively, or negatively, rank-correlated over members."""

    test: Literal["rank_correlation"] = "rank_correlation"
    formula = "Spearman's rho of `first` and `second` over members is at least, or at most, a value"
    function = "suite.analysis.claims_about_order:rank_correlation"
    estimate = "Spearman's rho"
    first: str = Field(description="a quantity")
    second: str = Field(description="another quantity")
    at_least: float | None = Field(default=None, ge=-1, lt=1, description="rho exceeds this")
    at_most: float | None = Field(default=None, gt=-1, le=1, description="rho is below this")
    shuffled: bool = Field(
        default=False,
        description="shuffle the values of `first` over the members: a control without any correlation",
    )

    @model_validator(mode="after")
    def _one_bound(self) -> "RankCorrelation":
        _either(self.at_least, self.at_most, "a correlation")
        return self

    @property
    def population(self) -> Literal["members", "family"]:
        """The members are a sample of the family that a correlation is about."""
        return "family"

    def claimed(self) -> tuple[float | None, float | None]:
        """Return the bound."""
        return self.at_least, self.at_most

    def describe_requirement(self) -> str:
        """Return the bound."""
        return f"more than {self.at_least:g}" if self.at_least is not None else f"less than {self.at_most:g}"


class Predicts(Claim):
    """A quantity of untrained networks predicts an outcome of training better than a baseline does."""

    test: Literal["predicts"] = "predicts"
    formula = (
        "Spearman's rho of `predictor` and `outcome` over members exceeds that of `baseline` by more than `margin`"
    )
    function = "suite.analysis.claims_about_prediction:predicts"
    predictor: str = Field(description="a quantity of untrained networks")
    outcome: Outcome = Field(description="an outcome of training")
    baseline: str = Field(
        description="the baseline to beat, which depends on the architecture alone: " + ", ".join(BASELINES)
    )
    margin: float = Field(default=0.0, ge=-2, lt=2, description="minimum gain in rho")
    statistic: Statistic = Field(
        default="median", description="statistic over the draws of a member, as in the predictor ranking"
    )

    @field_validator("baseline")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in BASELINES:
            raise PydanticCustomError(
                "baseline", "expected a baseline; use one of {known}", {"known": ", ".join(BASELINES)}
            )
        return name

    @property
    def population(self) -> Literal["members", "family"]:
        """The members are a sample of the family that a prediction is about."""
        return "family"

    def claimed(self) -> tuple[float | None, float | None]:
        """Return the minimum gain."""
        return self.margin, None

    def describe_estimate(self, members: int) -> str:
        """Return over which baseline the gain is."""
        return f"gain in Spearman's rho over {self.baseline}"

    def describe_requirement(self) -> str:
        """Return the margin; empty without a margin."""
        return f"more than {self.margin:g}" if self.margin else ""


class Level(Claim):
    """A quantity is above, or below, a number."""

    test: Literal["level"] = "level"
    formula = "`quantity` is at least, or at most, a number: in every member, on average, or in every single draw"
    function = "suite.analysis.claims_about_values:level"
    quantity: str = Field(description="the quantity")
    at_least: float | None = Field(default=None, allow_inf_nan=False, description="the lower bound")
    at_most: float | None = Field(default=None, allow_inf_nan=False, description="the upper bound")
    of: Literal["every", "average", "family", "draw"] = Field(
        default="every",
        description="in every member, on average over these members, on average over the family that they are a sample "
        "of, or in every draw of every member; then the bound itself is allowed, and a single draw beyond it refutes "
        "the claim",
    )

    @model_validator(mode="after")
    def _one_bound(self) -> "Level":
        _either(self.at_least, self.at_most, "a level")
        return self

    def describe_estimate(self, members: int) -> str:
        """Return which value the estimate is: the average, or the smallest or largest over members or draws."""
        if self.of in ("average", "family"):
            return "average" + (" in the family" if self.of == "family" else "")
        return "smallest value" if self.at_least is not None else "largest value"

    def claimed(self) -> tuple[float | None, float | None]:
        """Return the bound."""
        return self.at_least, self.at_most

    def describe_requirement(self) -> str:
        """Return the bound; single draws may be equal to it."""
        itself = self.of == "draw"
        if self.at_least is not None:
            return f"{'at least' if itself else 'more than'} {self.at_least:g}"
        return f"{'at most' if itself else 'less than'} {self.at_most:g}"


class BoundedBy(Claim):
    """A quantity stays below another, or below its closed form, in every member."""

    test: Literal["bounded_by"] = "bounded_by"
    formula = "`quantity` <= `bound` + `margin` in every member, or exceeds it by at most `z` standard errors"
    function = "suite.analysis.claims_about_values:bounded_by"
    quantity: str = Field(description="the quantity that stays below")
    bound: str = Field(description='another quantity, or "theory" for its theoretical value')
    margin: float = Field(
        default=0.0,
        ge=0,
        description="allowed excess over the bound; the claim holds if the excess is shown to be smaller",
    )
    z: float | None = Field(
        default=None, gt=0, description="allowed excess in standard errors; the claim holds until a member exceeds it"
    )

    def describe_estimate(self, members: int) -> str:
        """Return how the distance from the bound is measured."""
        return "smallest distance below the bound" if self.z is None else "largest z-score above the bound"

    def claimed(self) -> tuple[float | None, float | None]:
        """Return the allowed excess."""
        return (-self.margin, None) if self.z is None else (None, self.z)

    def describe_requirement(self) -> str:
        """Return the margin or the z-score that is allowed."""
        if self.z is not None:
            return f"at most {self.z:g}" + (f" beyond the margin of {self.margin:g}" if self.margin else "")
        return f"more than -{self.margin:g}" if self.margin else ""


class AgreesWith(Claim):
    """A quantity agrees with its theoretical value in every member."""

    test: Literal["agrees_with"] = "agrees_with"
    formula = "|`quantity` - theory| is within `relative` of the theory, or within `z` standard errors"
    function = "suite.analysis.claims_about_values:agrees_with"
    quantity: str = Field(description="a quantity with a theory")
    relative: float | None = Field(
        default=None, gt=0, description="allowed relative error; the claim holds if the error is shown to be smaller"
    )
    z: float | None = Field(
        default=None, gt=0, description="allowed z-score; the claim holds until a member exceeds it"
    )

    @model_validator(mode="after")
    def _one_way(self) -> "AgreesWith":
        if (self.relative is None) == (self.z is None):
            raise PydanticCustomError("agreement", "expected either relative or z; set one of them")
        return self

    def describe_estimate(self, members: int) -> str:
        """Return how the deviation is measured."""
        return "z-score farthest from 0" if self.z is not None else "largest relative deviation from theory"

    def claimed(self) -> tuple[float | None, float | None]:
        """Return the allowed deviation to both sides."""
        limit = self.z if self.z is not None else self.relative
        assert limit is not None
        return -limit, limit

    def describe_requirement(self) -> str:
        """Return the deviation that is allowed."""
        return f"at most {self.z if self.z is not None else self.relative:g}"


class SurvivalShorter(PairClaim):
    """The time to an event is shorter under one setting than another; times may be censored."""

    test: Literal["survival_shorter"] = "survival_shorter"
    formula = "the time `quantity` at `axis` = `value` is shorter than at `than` (log-rank test), all other axes equal"
    function = "suite.analysis.claims_about_order:survival_shorter"
    estimate = "z of the log-rank test"
    quantity: str = Field(description="a time to an event, in steps")
    value: Scalar = Field(description="the value with the shorter time")
    than: Scalar = Field(description="the value with the longer time")


CLAIMS: dict[str, type[Claim]] = {
    "peaks_inside": PeaksInside,
    "monotone": Monotone,
    "greater": Greater,
    "rank_correlation": RankCorrelation,
    "predicts": Predicts,
    "level": Level,
    "bounded_by": BoundedBy,
    "agrees_with": AgreesWith,
    "survival_shorter": SurvivalShorter,
}

AnyClaim: Any = Annotated[Union[tuple(CLAIMS.values())], Field(discriminator="test")]  # noqa: UP007  # known only at run time
