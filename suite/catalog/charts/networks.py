"""Declarations of charts of the networks themselves: their size, and their outputs over the plane."""

from suite.catalog.charts.declaration import PLANE, ChartDeclaration, Drawn

NETWORKS = (
    ChartDeclaration(
        name="activation_ratio",
        title="Activation ratio",
        caption=("Number of hidden activations per parameter, which follows from the architecture alone."),
        function="suite.report.measured:draw_panel",
        drawn={"activation_ratio": Drawn("activation ratio")},
    ),
    ChartDeclaration(
        name="landscapes",
        title="Landscapes",
        caption=(
            "Outputs over the plane, blue below 0 and red above. Random networks are scaled by their own "
            "largest value, so that one that has collapsed to a constant has a single color."
        ),
        sentences="",
        function="suite.report.landscapes:draw_landscapes",
        drawn={PLANE: Drawn("outputs")},
        beside={
            "success": Drawn(
                "success rate", about="Trained networks are shown as probabilities; white is a probability of 0.5."
            )
        },
        needs="landscapes",
    ),
    ChartDeclaration(
        name="decision_boundary",
        title="Decision boundaries during training",
        caption=(
            "One network of some members at several steps of training, from left to right, as probabilities: blue for "
            "one class, red for the other, white for 0.5."
        ),
        sentences="",
        function="suite.report.landscapes:draw_decision_boundary",
        drawn={PLANE: Drawn("outputs"), "test_accuracy": Drawn("test accuracy")},
        every=True,
        needs="landscapes",
    ),
)
