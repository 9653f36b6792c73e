"""Every quantity that a table can hold: what it is and how its draws are summarised."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["value", "frequency", "time", "ratio"]


@dataclass(frozen=True)
class Quantity:
    """One measured number a draw, or one a layer or recorded step of each draw.

    Attributes:
        meaning: one line for tables, charts and documentation.
        kind: a plain value; the indicator of an event, whose mean is a frequency; a waiting time, empty
            where the wait did not end within the run; or a ratio of means over draws, which no single draw has.
        index: what the values of one draw run over, the slowest first, if anything.
        decided: whether it is decided exactly in some layers and networks and at sample points in others,
            which the tables' column `method` tells apart.
        sign: which way a tournament takes it, stated before any data are looked at: networks with more of it (1), or
            with less (-1), are expected to train better; of an outcome, have trained better. 0 of what says nothing of
            networks, and enters none.
    """

    meaning: str
    kind: Kind = "value"
    index: tuple[Literal["layer", "step"], ...] = ()
    decided: bool = False
    sign: Literal[1, 0, -1] = 1


QUANTITIES: dict[str, Quantity] = {
    "activation_ratio": Quantity("hidden activations per parameter"),
    "v3": Quantity("variability: mean |third divided difference| of the output over the domain"),
    "v3_over_rms": Quantity("v3 divided by output_rms; 0 where the output is 0 everywhere"),
    "v3_floor": Quantity("typical size that rounding alone gives v3", sign=0),
    "v3_exact": Quantity("mean |third derivative| at the centres of v3's stencils (smooth activations)"),
    "slope_variation": Quantity("total variation of the slope per unit length (piecewise-linear activations)"),
    "breakpoints": Quantity("kinks of the output per length of the domain's side (piecewise-linear activations)"),
    "output_std": Quantity("standard deviation of the output over the domain"),
    "output_rms": Quantity("root mean square of the output over the domain"),
    "collapsed_relative": Quantity("output_std <= threshold * output_rms", "frequency", sign=-1),
    "collapsed_absolute": Quantity("output_std <= threshold * the output's predicted scale", "frequency", sign=-1),
    "collapsed_exact": Quantity(
        "the output is the same number everywhere, or a hidden layer is constant", "frequency", sign=-1
    ),
    "collapse_by_death": Quantity("collapsed: a hidden layer passes nothing on", "frequency", sign=-1),
    "collapse_by_bias": Quantity("collapsed: biases outweigh a hidden layer's inputs", "frequency", sign=-1),
    "collapse_by_norm": Quantity(
        "collapsed: varies too little for its predicted scale, not for its own size", "frequency", sign=-1
    ),
    "collapse_by_angle": Quantity("collapsed: the inputs' hidden vectors became one direction", "frequency", sign=-1),
    "input_gradient": Quantity("rms over points of the norm of the loss's gradient by the input"),
    "parameter_gradient": Quantity("norm of the loss's gradient by a layer's weights and bias", index=("layer",)),
    "grad_norm": Quantity("norm of the loss's gradient by all parameters, on a batch"),
    "snip": Quantity("sum over parameters of |theta dL/dtheta|, on a batch"),
    "grasp": Quantity("minus the sum over parameters of theta (H g), on a batch"),
    "log_synflow": Quantity("natural logarithm of the sum of theta dR/dtheta, R = 1^T prod |W_l| 1"),
    "fisher": Quantity("sum over hidden units of half the mean squared activation times its gradient, on a batch"),
    "jacobian_covariance": Quantity(
        "-sum log(l + k) + 1 / (l + k) over eigenvalues l of the input gradients' correlation, k = 1e-5"
    ),
    "naswot": Quantity("log |K|, K_ij the hidden units on the same side at points i and j; -inf where K is singular"),
    "ntk_trace": Quantity("trace of the neural tangent kernel on a batch"),
    "ntk_condition": Quantity(
        "its largest eigenvalue over its smallest; infinite where that is rounding alone", sign=-1
    ),
    "train_loss": Quantity(
        "loss on the training set: cross-entropy, or half the mean squared error", index=("step",), sign=-1
    ),
    "train_accuracy": Quantity("accuracy on the training set", index=("step",)),
    "validation_accuracy": Quantity("accuracy on the validation set", index=("step",)),
    "test_accuracy": Quantity("accuracy on the test set", index=("step",)),
    "validation_error": Quantity("mean squared error on the validation set (regressions)", index=("step",), sign=-1),
    "test_error": Quantity("mean squared error on the test set (regressions)", index=("step",), sign=-1),
    "success": Quantity(
        "after the last step, test_accuracy is at or above its threshold, or test_error at or below its", "frequency"
    ),
    "steps_to_success": Quantity("first recorded step at which it is a success, lost again or not", "time", sign=-1),
    "dead_tentative": Quantity("dead neurons that a gradient can revive", index=("layer",), decided=True, sign=-1),
    "dead_permanent": Quantity("dead neurons that no gradient can revive", index=("layer",), decided=True, sign=-1),
    "active": Quantity("neurons that are not dead", index=("layer",), decided=True),
    "dead_fraction": Quantity("share of a layer's neurons that are dead", index=("layer",), decided=True, sign=-1),
    "born_dead": Quantity(
        "some hidden layer is wholly dead: the output is constant", "frequency", decided=True, sign=-1
    ),
    "trainability": Quantity("the network has the live neurons that its task needs", "frequency", decided=True),
    "correlation": Quantity("cosine of two inputs' pre-activations", index=("layer",), sign=-1),
    "jacobian_mean": Quantity("m_1, mean squared singular value of the layers' Jacobian", index=("layer",)),
    "jacobian_second": Quantity("m_2, mean fourth power of its singular values", index=("layer",)),
    "jacobian_ratio": Quantity(
        "E m_2 / (E m_1)^2, spread of its squared singular values", "ratio", ("layer",), sign=-1
    ),
    "jacobian_max": Quantity("its largest singular value", index=("layer",)),
    "feature_cosine": Quantity("mean cosine of features over pairs of samples", index=("layer", "step")),
    "feature_cosine_within": Quantity("the same over pairs of one class", index=("layer", "step")),
    "feature_cosine_between": Quantity("the same over pairs of two classes", index=("layer", "step")),
    "feature_change_phase1": Quantity("change of feature_cosine in phase 1, network by network", index=("layer",)),
    "feature_change_phase2": Quantity("change of feature_cosine after phase 1, where it ended", index=("layer",)),
    "leading_share": Quantity(
        "share of a layer's weight change in its leading direction, sigma_1^2 / |W_t - W_0|_F^2",
        index=("layer", "step"),
    ),
    "phase1_steps": Quantity("first step at which the training loss is below 0.9 of its chance level", "time"),
    "revivable": Quantity("tentatively dead neurons at the start, on the training points"),
    "revived": Quantity("how many of these are active at a step", index=("step",)),
    "revived_permanent": Quantity("permanently dead neurons at the start that are active at a step", index=("step",)),
}
