"""Every quantity that a table can hold: what it is and how its draws are summarised."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Quantity:
    """One measured number a draw, or one a layer or recorded step of each draw.

    Attributes:
        meaning: one line for tables, charts and documentation.
        kind: a plain value; the indicator of an event, whose mean is a frequency; or a waiting time, empty
            where the wait did not end within the run.
        index: what the values of one draw run over, if anything.
    """

    meaning: str
    kind: Literal["value", "frequency", "time"] = "value"
    index: Literal["layer", "step"] | None = None


QUANTITIES: dict[str, Quantity] = {
    "activation_ratio": Quantity("hidden activations per parameter"),
    "v3": Quantity("variability: mean |third divided difference| of the output over the domain"),
    "v3_over_rms": Quantity("v3 divided by output_rms; 0 where the output is 0 everywhere"),
    "v3_exact": Quantity("mean |third derivative| at the centres of v3's stencils (smooth activations)"),
    "v3_floor": Quantity("typical size that rounding alone gives v3"),
    "slope_variation": Quantity("total variation of the slope per unit length (piecewise-linear activations)"),
    "breakpoints": Quantity("kinks of the output per line through the domain (piecewise-linear activations)"),
    "output_std": Quantity("standard deviation of the output over the domain"),
    "output_rms": Quantity("root mean square of the output over the domain"),
    "collapsed_relative": Quantity("output_std <= threshold * output_rms", "frequency"),
    "collapsed_absolute": Quantity("output_std <= threshold * the output's predicted scale", "frequency"),
    "collapsed_exact": Quantity("the output is the same number everywhere, or a hidden layer is constant", "frequency"),
    "collapse_by_death": Quantity("collapsed: a hidden layer passes nothing on", "frequency"),
    "collapse_by_bias": Quantity("collapsed: biases outweigh a hidden layer's inputs", "frequency"),
    "collapse_by_norm": Quantity(
        "collapsed: varies too little for its predicted scale, not for its own size", "frequency"
    ),
    "collapse_by_angle": Quantity("collapsed: the inputs' hidden vectors became one direction", "frequency"),
    "input_gradient": Quantity("rms over points of the norm of the loss's gradient by the input"),
    "parameter_gradient": Quantity("norm of the loss's gradient by a layer's weights and bias", index="layer"),
    "train_loss": Quantity("loss on the training set", index="step"),
    "train_accuracy": Quantity("accuracy on the training set", index="step"),
    "validation_accuracy": Quantity("accuracy on the validation set", index="step"),
    "test_accuracy": Quantity("accuracy on the test set", index="step"),
    "success": Quantity("test_accuracy after the last step is at or above the threshold", "frequency"),
    "steps_to_success": Quantity(
        "first recorded step with test_accuracy at or above the threshold, lost again or not", "time"
    ),
}
