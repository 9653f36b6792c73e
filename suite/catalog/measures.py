"""The measures a spec can ask for: the function that computes each, and the quantities that it gives."""

from dataclasses import dataclass
from typing import Literal

from suite.catalog.measure_settings import (
    AccuracySettings,
    CollapseSettings,
    CorrelationSettings,
    DeadNeuronsSettings,
    FeatureDiversitySettings,
    GradientsSettings,
    JacobianSettings,
    LandscapeSettings,
    NoSettings,
    RevivalSettings,
    ScoreSettings,
    SynflowSettings,
    TrainabilitySettings,
    V3LimitSettings,
    V3Settings,
)
from suite.catalog.precision import Precise
from suite.catalog.settings import Settings


@dataclass(frozen=True)
class Measure:
    """How a spec's [measure.name] is computed.

    Attributes:
        function: dotted path, module:name; of what looks at training, an Observer.
        settings: what the spec may set.
        sees: what a network is evaluated on besides its weights: nothing; the domain's sample; the training loss;
            each training task, with the domain's sample; pairs of inputs at a given angle; or training as it goes.
        quantities: what it returns, in the order of the tables.
        version: raised whenever the numbers change, so that stored results are computed anew.
        summary: one line for `list`.
        source: where it is from.
        plain: whether it is defined for networks without normalisation and residual connections only.
        headline: of a measure with draws, the quantity that a precision is of, unless a spec says another.
        origin: the digest of the plug-in that it is from; empty for the suite's own.
    """

    function: str
    settings: type[Settings]
    sees: Literal["nothing", "domain", "loss", "task", "pair", "training"]
    quantities: tuple[str, ...]
    version: int
    summary: str
    source: str
    plain: bool = False
    headline: str | None = None
    origin: str = ""


MEASURES: dict[str, Measure] = {
    "activation_ratio": Measure(
        "suite.measures.activation_ratio:activation_ratio",
        NoSettings,
        sees="nothing",
        quantities=("activation_ratio",),
        version=1,
        summary="hidden activations per parameter",
        source="Yu & Zhang 2021",
    ),
    "v3": Measure(
        "suite.measures.v3:v3",
        V3Settings,
        sees="domain",
        quantities=("v3", "v3_over_rms", "v3_floor"),
        version=2,
        summary="variability: mean |third divided difference| of the output",
        source="Yu & Zhang 2021",
        headline="v3",
    ),
    "v3_limit": Measure(
        "suite.measures.v3_limit:v3_limit",
        V3LimitSettings,
        sees="domain",
        quantities=("v3_exact", "slope_variation", "breakpoints"),
        version=2,
        summary="what v3 tends to as its step falls, exactly: many times as costly as v3",
        source="Yu & Zhang 2021",
    ),
    "collapse": Measure(
        "suite.measures.collapse:collapse",
        CollapseSettings,
        sees="domain",
        quantities=(
            "output_std",
            "output_rms",
            "collapsed_relative",
            "collapsed_absolute",
            "collapsed_exact",
            "collapse_by_death",
            "collapse_by_bias",
            "collapse_by_norm",
            "collapse_by_angle",
        ),
        version=2,
        summary="Collapse to Constant: how often a random network's output hardly varies, and which way",
        source="Yu & Zhang 2021",
        headline="collapsed_relative",
    ),
    "gradients": Measure(
        "suite.measures.gradients:gradients",
        GradientsSettings,
        sees="loss",
        quantities=("input_gradient", "parameter_gradient"),
        version=1,
        summary="gradients of the training loss at initialisation, by the input and by each layer",
        source="Yu & Zhang 2021",
        headline="input_gradient",
    ),
    "grad_norm": Measure(
        "suite.measures.grad_norm:grad_norm",
        ScoreSettings,
        sees="loss",
        quantities=("grad_norm",),
        version=1,
        summary="zero-cost score: norm of the loss's gradient by all parameters",
        source="Abdelfattah et al. 2021",
        headline="grad_norm",
    ),
    "snip": Measure(
        "suite.measures.snip:snip",
        ScoreSettings,
        sees="loss",
        quantities=("snip",),
        version=1,
        summary="zero-cost score: how much of the loss hangs on the parameters, to first order",
        source="Lee, Ajanthan & Torr 2019",
        headline="snip",
    ),
    "grasp": Measure(
        "suite.measures.grasp:grasp",
        ScoreSettings,
        sees="loss",
        quantities=("grasp",),
        version=1,
        summary="zero-cost score: how the gradient's flow hangs on the parameters, by Hessian times gradient",
        source="Wang, Zhang & Grosse 2020",
        headline="grasp",
    ),
    "synflow": Measure(
        "suite.measures.synflow:synflow",
        SynflowSettings,
        sees="nothing",
        quantities=("log_synflow",),
        version=1,
        summary="zero-cost score: log of the flow through the weights' absolute values, without data",
        source="Tanaka et al. 2020",
        plain=True,
        headline="log_synflow",
    ),
    "fisher": Measure(
        "suite.measures.fisher:fisher",
        ScoreSettings,
        sees="loss",
        quantities=("fisher",),
        version=1,
        summary="zero-cost score: how much of the loss hangs on hidden units, by Fisher's information",
        source="Theis et al. 2018; Turner et al. 2020",
        headline="fisher",
    ),
    "jacobian_covariance": Measure(
        "suite.measures.jacobian_covariance:jacobian_covariance",
        ScoreSettings,
        sees="loss",
        quantities=("jacobian_covariance",),
        version=1,
        summary="zero-cost score: how unlike the points' input gradients are; none with fewer than three inputs",
        source="Mellor et al. 2020",
        headline="jacobian_covariance",
    ),
    "naswot": Measure(
        "suite.measures.naswot:naswot",
        ScoreSettings,
        sees="loss",
        quantities=("naswot",),
        version=1,
        summary="zero-cost score: how unlike the points' patterns of active units are",
        source="Mellor et al. 2021",
        headline="naswot",
    ),
    "ntk": Measure(
        "suite.measures.ntk:ntk",
        ScoreSettings,
        sees="loss",
        quantities=("ntk_trace", "ntk_condition"),
        version=1,
        summary="zero-cost score: trace and condition number of the neural tangent kernel",
        source="Jacot et al. 2018; Chen et al. 2021",
        headline="ntk_trace",
    ),
    "dead_neurons": Measure(
        "suite.measures.dead_neurons:dead_neurons",
        DeadNeuronsSettings,
        sees="domain",
        quantities=("dead_tentative", "dead_permanent", "active", "dead_fraction", "born_dead"),
        version=1,
        summary="neurons that are constant over the domain, by layer, tentatively or for good",
        source="Shin & Karniadakis 2019",
        plain=True,
        headline="born_dead",
    ),
    "trainability": Measure(
        "suite.measures.trainability:trainability",
        TrainabilitySettings,
        sees="task",
        quantities=("trainability",),
        version=1,
        summary="probability that a random network has the live neurons that its task needs",
        source="Shin & Karniadakis 2019",
        plain=True,
        headline="trainability",
    ),
    "correlation": Measure(
        "suite.measures.correlation:correlation",
        CorrelationSettings,
        sees="pair",
        quantities=("correlation",),
        version=1,
        summary="cosine of two inputs' pre-activations, layer after layer",
        source="Murray, Abrol & Tanner 2021",
        plain=True,
        headline="correlation",
    ),
    "jacobian": Measure(
        "suite.measures.jacobian:jacobian",
        JacobianSettings,
        sees="pair",
        quantities=("jacobian_mean", "jacobian_second", "jacobian_ratio", "jacobian_max"),
        version=1,
        summary="moments of the Jacobian's squared singular values, layer after layer",
        source="Murray, Abrol & Tanner 2021",
        plain=True,
        headline="jacobian_mean",
    ),
    "accuracy": Measure(
        "suite.training.accuracy:Accuracy",
        AccuracySettings,
        sees="training",
        quantities=(
            "train_loss",
            "train_accuracy",
            "validation_accuracy",
            "test_accuracy",
            "validation_error",
            "test_error",
            "success",
            "steps_to_success",
        ),
        version=3,
        summary="training: loss and accuracy on the way, success and the steps to it",
        source="Yu & Zhang 2021",
    ),
    "feature_diversity": Measure(
        "suite.training.features:FeatureDiversity",
        FeatureDiversitySettings,
        sees="training",
        quantities=(
            "feature_cosine",
            "feature_cosine_within",
            "feature_cosine_between",
            "feature_change_phase1",
            "feature_change_phase2",
            "leading_share",
            "phase1_steps",
        ),
        version=3,
        summary="how alike the features of samples are while a network trains, and when training takes off",
        source="Liu et al. 2021",
    ),
    "revival": Measure(
        "suite.training.revival:Revival",
        RevivalSettings,
        sees="training",
        quantities=("revivable", "revived", "revived_permanent"),
        version=1,
        summary="dead neurons that come back while a network trains",
        source="Shin & Karniadakis 2019",
        plain=True,
    ),
}


def precisely(name: str, settings: Settings) -> str:
    """What a measure's settings ask to be known precisely, for `check`: ` (v3 within 0.02, up to 65,536 draws)`."""
    if not isinstance(settings, Precise) or settings.precision is None:
        return ""
    of = settings.precision_of or MEASURES[name].headline
    return f" ({of} within {settings.precision:g}, up to {settings.max_draws:,} draws)"


LANDSCAPE = Measure(
    "suite.measures.landscape:landscape",
    LandscapeSettings,
    sees="domain",
    quantities=(),
    version=1,
    summary="outputs of a few random networks on a grid of the domain",
    source="Yu & Zhang 2021",
)
"""Not for a spec to ask: it serves the report."""
