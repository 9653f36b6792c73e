"""This module defines the Spec, the validated and frozen content of a study's TOML file."""

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, create_model, model_validator
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from suite.catalog.activations import Activation, Activations
from suite.catalog.charts import charts
from suite.catalog.claims import AnyClaim
from suite.catalog.domain import Box, OneDomain
from suite.catalog.initializations import DEFAULT_INITIALIZATION, Initialization, Initializations
from suite.catalog.limits import Count, Size
from suite.catalog.measures import MEASURES, TRAINING, with_default_step
from suite.catalog.measures.training import AccuracySettings
from suite.catalog.predict import Predict
from suite.catalog.settings import Axis, Settings

_MAX_DEPTH = 1_000
_MAX_WIDTH = 2**31

Depth = Annotated[int, Field(ge=1, le=_MAX_DEPTH)]
Units = Annotated[int, Field(ge=1, le=_MAX_WIDTH)]
_Budget = Count
Normalization = Literal["none", "batch", "layer"]


class Family(Settings):
    """MLPs with equal parameter counts or equal widths; a list of values is an axis of the study."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["parameters"]}, {"required": ["width"]}]})

    parameters: Axis[_Budget] | None = Field(default=None, description="parameter budget: number of weights and biases")
    width: Axis[Units] | None = Field(
        default=None, description="number of units in each hidden layer, instead of a budget"
    )
    inputs: Axis[Units] | None = Field(default=None, description="number of input units; default: as the task has")
    outputs: Axis[Units] | None = Field(
        default=None, description="number of output units; default: as the task has, or 1 without training"
    )
    depth: Axis[Depth] = Field(description="number of hidden layers")
    if TYPE_CHECKING:  # type checkers cannot follow types that are created at run time
        activation: tuple[Activation, ...]
        initialization: tuple[Initialization, ...] = ()
    else:
        activation: Activations = Field(description="activation of the hidden layers")
        initialization: Initializations = Field(
            default=DEFAULT_INITIALIZATION,
            validate_default=True,
            description="initialization of weights and biases",
        )
    normalization: Axis[Normalization] = Field(
        default=("none",),
        description="normalization of the hidden preactivations, over the points of a batch or the units of a layer",
    )
    residual: Axis[bool] = Field(
        default=(False,),
        description="whether each hidden layer after the first adds the activations of the previous layer",
    )
    readout_std: Axis[Size] | None = Field(
        default=None,
        description="standard deviation of the readout's weights times sqrt(fan_in), with biases of 0; default: as the "
        "initialization draws the readout",
    )
    tolerance: float = Field(default=0.005, ge=0, lt=1, description="allowed relative deviation from the budget")

    @model_validator(mode="after")
    def _one_size(self) -> "Family":
        if (self.parameters is None) == (self.width is None):
            raise PydanticCustomError("size", "expected either parameters or width; set one of them")
        return self


ADD_MEASURE = "add a table such as [measure.v3]"
"""The hint for a study without measures."""


class _SomeMeasure(Settings):
    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    @model_validator(mode="after")
    def _not_empty(self) -> "_SomeMeasure":
        if not any(getattr(self, name) for name in type(self).model_fields):
            raise PydanticCustomError("measure", f"the study has no measures; {ADD_MEASURE}")
        return self


@lru_cache(maxsize=16)
def _measures_model(measures: tuple[tuple[str, type[Settings]], ...]) -> type[_SomeMeasure]:
    fields: dict[str, Any] = {
        name: (settings | None, Field(default=None, description=MEASURES[name].summary)) for name, settings in measures
    }
    summary = "The measures of the study, each with its settings."
    return create_model("Measures", __base__=_SomeMeasure, __doc__=summary, **fields)


class _InTheCatalog:
    """A validator of the table of measures that reads the catalog on every use, since plug-ins add to it."""

    def models(self) -> list[type[_SomeMeasure]]:
        """Return the model of the table for the current catalog, in a list."""
        return [self._model()]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(lambda value: self._model().model_validate(value))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(self._model().__pydantic_core_schema__)

    def _model(self) -> type[_SomeMeasure]:
        return _measures_model(tuple((name, measure.settings) for name, measure in MEASURES.items()))


Measures: Any = Annotated[Any, _InTheCatalog()]


class SpecFile(Settings):
    """A study: families of networks, and the measures to compute for them."""

    title: str = Field(min_length=1, description="title of the study, in one sentence")
    source: str = Field(default="", description="source of the question, such as a paper")
    question: str | None = Field(default=None, min_length=1, description="question of the study, in one sentence")
    picture: str | None = Field(
        default=None,
        description="chart that answers the question; default: the chart of the first claim, or of training",
        json_schema_extra=lambda schema: schema.update(enum=list(charts())),
    )
    claim: Axis[AnyClaim] = Field(
        default=(), description="claims about the results, which a run tests; repeat [[claim]] for several"
    )
    predict: Predict | None = Field(
        default=None, description="predictor ranking: which quantities predict the training outcome"
    )
    claims: Axis[str] = Field(default=(), description="claims of the source, in sentences, for the report")
    findings: Axis[str] = Field(default=(), description="findings of a run of this spec, in sentences, for the report")
    seed: int = Field(ge=0, lt=2**63, description="seed of all random numbers of the study")
    family: Axis[Family] = Field(description="families of networks; repeat [[family]] for several")
    domain: OneDomain = Field(default=Box(), description="domain on which networks are evaluated")
    measure: Measures = Field(description="measures, one table each")


class Spec(SpecFile):
    """A validated study with the name of its file."""

    name: str

    def as_run(self) -> dict[str, Any]:
        """Return the spec in JSON's types with every default written out, as run.json stores it."""
        content: dict[str, Any] = json.loads(self.model_dump_json(exclude_none=True))
        return content

    @property
    def training(self) -> AccuracySettings | None:
        """The settings of training; None if the study trains no networks."""
        found: AccuracySettings | None = getattr(self.measure, TRAINING, None)
        return found

    @property
    def measures(self) -> dict[str, Settings]:
        """The settings of the study's measures, in the catalog's order and with the default step filled in."""
        # A measure of a plug-in that was loaded after this spec is not an attribute.
        asked = {name: getattr(self.measure, name, None) for name in MEASURES}
        return with_default_step(
            {name: settings for name, settings in asked.items() if settings is not None}, self.domain
        )
