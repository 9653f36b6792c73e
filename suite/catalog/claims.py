"""The claims that a spec can make: a closed set of tests, each a statement that draws can bear out or refute."""

from typing import Annotated, Any, ClassVar, Literal, Union

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from suite.catalog.activations import ACTIVATIONS
from suite.catalog.initializations import INITIALIZATIONS
from suite.catalog.settings import Axis, Settings, choices_of
from suite.catalog.shown import shown


def _scalar(value: Any) -> Any:
    if isinstance(value, dict):
        label = _label(value)
        raise PydanticCustomError(
            "table",
            "{value} is a table, and values of an axis are named as tables of results name them; give {label}",
            {"value": shown(value), "label": f'"{label}"' if label else 'text such as "leaky_relu(slope=0.1)"'},
        )
    if not isinstance(value, bool | int | float | str):
        raise PydanticCustomError(
            "scalar",
            "{value} is no value of an axis; give a number, a word in quotes, true or false",
            {"value": shown(value)},
        )
    return value


def _label(table: dict[str, Any]) -> str:
    """How tables of results write the entry of a catalog that a table in a spec stands for; empty of any other."""
    for catalog in (ACTIVATIONS, INITIALIZATIONS):
        try:
            found = TypeAdapter(choices_of(catalog)).validate_python(table)
        except (ValidationError, PydanticCustomError):
            continue
        if len(found) == 1:
            return str(found[0].label)
    return ""


_PAIR = 2

Scalar = Annotated[Any, AfterValidator(_scalar), WithJsonSchema({"type": ["boolean", "number", "string"]})]
Where = dict[str, Axis[Scalar]]
Statistic = Literal["mean", "median"]


class Claim(Settings):
    """What should be true of a study's results."""

    test: str
    formula: ClassVar[str]
    function: ClassVar[str]
    """Dotted path of what tests it."""

    estimate: ClassVar[str] = "estimate"
    """What the estimate in a verdict is. For claims about every member or pair it is that of the one that decides."""

    says: str = Field(min_length=1, description="the claim, in a sentence")
    source: str = Field(default="", description="who makes it, and where; the study's source unless given")
    expected: Literal["holds", "fails", "undecided"] = Field(
        default="holds", description="the verdict that is no surprise"
    )
    where: Where = Field(default={}, description="axes with the values, one or a list, that the claim is about")
    statistic: Statistic = Field(default="mean", description="of the draws of a member; heavy tails ask for the median")
    layer: int | None = Field(
        default=None, ge=1, description="of quantities that have layers; the last one unless given"
    )

    def describe_estimate(self, members: int) -> str:
        """Return what the estimate in a verdict is, such as "smallest step".

        Args:
            members: The number of members that were compared.
        """
        return self.estimate

    def describe_requirement(self) -> str:
        """Return what the claim requires of the estimate, such as "more than 0.1"; empty if only its sign counts."""
        return ""


def _either(at_least: float | None, at_most: float | None, what: str) -> None:
    if (at_least is None) == (at_most is None):
        raise PydanticCustomError("bound", "{what} has one bound here; give either at_least or at_most", {"what": what})


class PeaksInside(Claim):
    """The maximum along an axis lies at neither end."""

    test: Literal["peaks_inside"] = "peaks_inside"
    formula = "some inner value of `along` has a larger `quantity` than both ends"
    function = "suite.analysis.claims_about_order:peaks_inside"
    estimate = "smallest difference between the peak and an end"
    quantity: str = Field(description="whose maximum")
    along: str = Field(description="the axis, of numbers")


class Monotone(Claim):
    """The quantity goes one way along an axis, from each value to the next."""

    test: Literal["monotone"] = "monotone"
    formula = "`quantity` rises, or falls, from each value of `along` to the next, but for `slack`"
    function = "suite.analysis.claims_about_order:monotone"
    estimate = "smallest step"
    quantity: str = Field(description="what goes one way")
    along: str = Field(description="the axis, of numbers")
    direction: Literal["rises", "falls"] = Field(description="which way")
    slack: float = Field(default=0.0, ge=0, description="by how much a step may go the other way")

    def describe_requirement(self) -> str:
        """Return the slack."""
        return f"more than -{self.slack:g}" if self.slack else ""


class PairClaim(Claim):
    """Two settings that differ in one axis are compared, wherever all other axes match."""

    quantity: str
    axis: str = Field(description="along which the two settings lie")
    value: Scalar
    than: Scalar


class Greater(PairClaim):
    """One value of an axis has a larger quantity than another, wherever all other axes match."""

    test: Literal["greater"] = "greater"
    formula = "`quantity` at `axis` = `value` exceeds that at `than` by more than `margin`, other axes alike"
    function = "suite.analysis.claims_about_order:greater"
    estimate = "difference"
    quantity: str = Field(description="what is larger")
    value: Scalar = Field(description="the one that has more")
    than: Scalar = Field(description="the one that has less")
    margin: float = Field(default=0.0, description="by how much more, at least")
    of: Literal["every", "average"] = Field(
        default="every", description="whether in every matched pair of members, or on average over the family's pairs"
    )

    def describe_estimate(self, members: int) -> str:
        """Return which difference it is: the only one, the average, or the smallest over the compared pairs."""
        if self.of == "average":
            return "average difference"
        return "smallest difference over the compared pairs" if members > _PAIR else self.estimate

    def describe_requirement(self) -> str:
        """Return the margin."""
        return f"more than {self.margin:g}" if self.margin else ""


class RankCorrelation(Claim):
    """Two quantities order members alike, or the other way round."""

    test: Literal["rank_correlation"] = "rank_correlation"
    formula = "Spearman's rho of `first` and `second` over members is at least, or at most, a value"
    function = "suite.analysis.claims_about_order:rank_correlation"
    estimate = "Spearman's rho"
    first: str = Field(description="a quantity")
    second: str = Field(description="another")
    at_least: float | None = Field(default=None, ge=-1, lt=1, description="rho is larger than this")
    at_most: float | None = Field(default=None, gt=-1, le=1, description="rho is smaller than this")
    shuffled: bool = Field(
        default=False,
        description="the values of `first` are dealt out to the members anew, which leaves nothing: a control",
    )

    @model_validator(mode="after")
    def _one_bound(self) -> "RankCorrelation":
        _either(self.at_least, self.at_most, "a correlation")
        return self

    def describe_requirement(self) -> str:
        """Return the bound."""
        return f"more than {self.at_least:g}" if self.at_least is not None else f"less than {self.at_most:g}"


class Level(Claim):
    """A quantity lies above a number, or below."""

    test: Literal["level"] = "level"
    formula = "`quantity` is at least, or at most, a number: in every member, on average, or in every single draw"
    function = "suite.analysis.claims_about_values:level"
    quantity: str = Field(description="what lies there")
    at_least: float | None = Field(default=None, allow_inf_nan=False, description="it is larger than this")
    at_most: float | None = Field(default=None, allow_inf_nan=False, description="it is smaller than this")
    of: Literal["every", "average", "draw"] = Field(
        default="every",
        description="in every member, on average over members, or in every draw of every member: there the number "
        "itself is allowed, and one draw beyond it refutes the claim, which holds until then",
    )

    @model_validator(mode="after")
    def _one_bound(self) -> "Level":
        _either(self.at_least, self.at_most, "a level")
        return self

    def describe_estimate(self, members: int) -> str:
        """Return which value it is: the average, or the smallest or largest over members or draws."""
        if self.of == "average":
            return "average"
        return "smallest value" if self.at_least is not None else "largest value"

    def describe_requirement(self) -> str:
        """Return the bound, which single draws may reach."""
        itself = self.of == "draw"
        if self.at_least is not None:
            return f"{'at least' if itself else 'more than'} {self.at_least:g}"
        return f"{'at most' if itself else 'less than'} {self.at_most:g}"


class BoundedBy(Claim):
    """A quantity stays below another, or below its closed form, in every member."""

    test: Literal["bounded_by"] = "bounded_by"
    formula = "`quantity` <= `bound` + `margin` in every member, or it exceeds it by no more than `z` standard errors"
    function = "suite.analysis.claims_about_values:bounded_by"
    quantity: str = Field(description="what stays below")
    bound: str = Field(description='another quantity, or "theory", its closed form')
    margin: float = Field(default=0.0, ge=0, description="by which it may exceed the bound; shown to be kept")
    z: float | None = Field(
        default=None, gt=0, description="standard errors by which it may seem to; shown not to be broken"
    )

    def describe_estimate(self, members: int) -> str:
        """Return how the distance from the bound is measured."""
        return "smallest distance below the bound" if self.z is None else "largest z-score above the bound"

    def describe_requirement(self) -> str:
        """Return the margin or the z-score that is allowed."""
        if self.z is not None:
            return f"at most {self.z:g}" + (f" beyond the margin of {self.margin:g}" if self.margin else "")
        return f"more than -{self.margin:g}" if self.margin else ""


class AgreesWith(Claim):
    """A quantity is what its theory says, in every member."""

    test: Literal["agrees_with"] = "agrees_with"
    formula = "|`quantity` - theory| is within `relative` of the theory, or within `z` standard errors"
    function = "suite.analysis.claims_about_values:agrees_with"
    quantity: str = Field(description="what has a law")
    relative: float | None = Field(default=None, gt=0, description="relative error allowed; shown to be kept")
    z: float | None = Field(default=None, gt=0, description="standard errors allowed; shown not to be broken")

    @model_validator(mode="after")
    def _one_way(self) -> "AgreesWith":
        if (self.relative is None) == (self.z is None):
            raise PydanticCustomError("agreement", "agreement is judged in one way; give either relative or z")
        return self

    def describe_estimate(self, members: int) -> str:
        """Return how the deviation is measured."""
        return "largest z-score" if self.z is not None else "largest relative deviation from theory"

    def describe_requirement(self) -> str:
        """Return the deviation that is allowed."""
        return f"at most {self.z if self.z is not None else self.relative:g}"


class SurvivalShorter(PairClaim):
    """Waits are shorter under one setting than another; those that did not end outlast the time they were watched."""

    test: Literal["survival_shorter"] = "survival_shorter"
    formula = "waits `quantity` at `axis` = `value` are shorter than at `than` (log-rank), other axes alike"
    function = "suite.analysis.claims_about_order:survival_shorter"
    estimate = "z of the log-rank test"
    quantity: str = Field(description="steps until something happens")
    value: Scalar = Field(description="the one with the shorter waits")
    than: Scalar = Field(description="the other")


CLAIMS: dict[str, type[Claim]] = {
    "peaks_inside": PeaksInside,
    "monotone": Monotone,
    "greater": Greater,
    "rank_correlation": RankCorrelation,
    "level": Level,
    "bounded_by": BoundedBy,
    "agrees_with": AgreesWith,
    "survival_shorter": SurvivalShorter,
}

AnyClaim: Any = Annotated[Union[tuple(CLAIMS.values())], Field(discriminator="test")]  # noqa: UP007  # known at run time
