"""Charts of the networks themselves: their size, and their outputs over the plane."""

from suite.catalog.charts.declaration import PLANE, ChartDeclaration, Drawn

NETWORKS = (
    ChartDeclaration(
        name="activation_ratio",
        title="Activation ratio",
        caption=(
            "See whether it rises with depth. Hidden activations per parameter. A network of one hidden layer and "
            "few inputs is an outlier, and belongs in no trend."
        ),
        function="suite.report.measured:draw_panel",
        drawn={"activation_ratio": Drawn("activation ratio")},
    ),
    ChartDeclaration(
        name="landscapes",
        title="Landscapes",
        caption=(
            "Look for panels of one colour. Outputs over the plane, blue below 0 and red above: random ones "
            "scaled by their own largest value, so that a network which has collapsed to a constant is of one "
            "colour; trained ones as probabilities, beside the true board. White is undecided: a network that has "
            "learnt nothing."
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
            "One network of some members while it trains, from left to right, as probabilities: blue for the one "
            "class, red for the other, white where it is undecided. Look for the step at which regions of either "
            "colour stand out, and for rows that stay even: what these networks learn comes late, or not at all."
        ),
        function="suite.report.landscapes:draw_decision_boundary",
        drawn={PLANE: Drawn("outputs"), "test_accuracy": Drawn("test accuracy")},
        every=True,
        needs="landscapes",
    ),
)
