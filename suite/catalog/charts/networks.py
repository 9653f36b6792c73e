"""Declarations of charts of the networks themselves: their size, and their outputs over the plane."""

from suite.catalog.charts.declaration import PLANE, ChartDeclaration, Drawn

NETWORKS = (
    ChartDeclaration(
        name="activation_ratio",
        title="Activation ratio",
        caption=(
            "Hidden activations per parameter. It rises with depth at a fixed number of parameters; networks "
            "with one hidden layer and few inputs are outliers."
        ),
        function="suite.report.measured:draw_panel",
        drawn={"activation_ratio": Drawn("activation ratio")},
    ),
    ChartDeclaration(
        name="landscapes",
        title="Landscapes",
        caption=(
            "Outputs over the plane, blue below 0 and red above. Random networks are scaled by their own "
            "largest value, so that one that has collapsed to a constant has a single color. Trained networks "
            "are shown as probabilities, next to the true labels; white is a probability of 0.5."
        ),
        function="suite.report.landscapes:draw_landscapes",
        drawn={PLANE: Drawn("outputs")},
        beside={"success": Drawn("success rate")},
        needs="landscapes",
    ),
    ChartDeclaration(
        name="decision_boundary",
        title="How a decision boundary forms",
        caption=(
            "One network of some members during training, from left to right, as probabilities: blue for one "
            "class, red for the other, white for 0.5. At which step do regions of either color appear? "
            "Rows that stay uniform learn late or not at all."
        ),
        function="suite.report.landscapes:draw_decision_boundary",
        drawn={PLANE: Drawn("outputs"), "test_accuracy": Drawn("test accuracy")},
        every=True,
        needs="landscapes",
    ),
)
