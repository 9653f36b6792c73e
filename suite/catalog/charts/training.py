"""Declarations of charts of training: features, learning curves, outcomes and their predictors."""

from suite.catalog.charts.declaration import TOURNAMENT, ChartDeclaration, Drawn, TableBeneath
from suite.catalog.measures.training import DIVERGED

TRAINING = (
    ChartDeclaration(
        name="feature_diversity",
        title="Features during training",
        caption=(
            "Mean cosine between samples' features in the last recorded layer, and the share of that layer's "
            "weight change in its leading direction, with 95% bands. Phase 1 ends when the training loss falls below "
            "0.9 of its chance level."
        ),
        sentences="suite.report.captions:state_phases",
        function="suite.report.training:draw_last_layer",
        drawn={
            "feature_cosine": Drawn("all pairs", name="the cosine over all pairs", runs="step"),
            "feature_cosine_within": Drawn("within a class", name="the cosine within a class", runs="step"),
            "feature_cosine_between": Drawn("between classes", name="the cosine between classes", runs="step"),
            "leading_share": Drawn(
                "leading share of the weight change", name="the leading share of the weight change", runs="step"
            ),
        },
        tabled=("feature_change_phase1", "feature_change_phase2"),
        table=TableBeneath("suite.report.analysis_tables:tabulate_phases", "phases"),
    ),
    ChartDeclaration(
        name="phase_1",
        title="Duration of phase 1",
        caption=(
            "Share of networks whose training loss is still above 0.9 of its chance level (Kaplan-Meier "
            "estimate; networks that never leave phase 1 are censored at the last step). The further left a "
            "curve falls, the sooner these networks start to learn."
        ),
        sentences="suite.report.captions:state_times",
        function="suite.report.training:draw_phase_1",
        drawn={"phase1_steps": Drawn("share still in phase 1", name="the median duration of phase 1")},
        needs="values",
        table=TableBeneath("suite.report.analysis_tables:tabulate_times", "comparisons"),
    ),
    ChartDeclaration(
        name="learning_curves",
        title="Learning curves",
        caption=(
            "Means over replicates that did not diverge, with 95% intervals, by training step, at the selected "
            "learning rate."
        ),
        function="suite.report.training:draw_learning_curves",
        drawn={
            "train_loss": Drawn("training loss", name="the training loss", runs="step"),
            "validation_accuracy": Drawn("validation accuracy", "share", runs="step"),
            "validation_error": Drawn("validation error", name="the validation error", runs="step"),
        },
    ),
    ChartDeclaration(
        name="revival",
        title="Revival of dead neurons",
        caption=(
            "Neurons per network that were dead on the training points before the first step and are active at a step, "
            "with 95% bands, in the largest networks of each series that starts with dead neurons."
        ),
        sentences="suite.report.captions:state_revival",
        function="suite.report.death:draw_revival",
        drawn={
            "revived": Drawn(
                "tentatively dead before", name="the number of revived, tentatively dead neurons", runs="step"
            ),
            "revived_permanent": Drawn(
                "permanently dead before", name="the number of revived, permanently dead neurons", runs="step"
            ),
        },
        beside={"revivable": Drawn("tentatively dead at the start")},
    ),
    ChartDeclaration(
        name="unit_activity",
        title="Dead, dormant and saturated units during training",
        caption=(
            "Shares in the last hidden layer, on the training points, with 95% bands: units with a constant activation "
            "(dead), units with a small mean activation relative to their layer (dormant) and, for activations with "
            "two bounds, activations near a bound (saturated)."
        ),
        function="suite.report.training:draw_last_layer",
        drawn={
            "dead_share": Drawn("dead units", "share", name="the share of dead units", runs="step"),
            "dormant_share": Drawn("dormant units", "share", name="the share of dormant units", runs="step"),
            "saturated_share": Drawn(
                "saturated activations", "share", name="the share of saturated activations", runs="step"
            ),
        },
    ),
    ChartDeclaration(
        name="accuracy",
        title="After training",
        caption=(
            "Outcomes after the last step of training, with 95% intervals; accuracies and errors are means over the "
            "replicates that did not diverge."
        ),
        function="suite.report.measured:draw_panels",
        drawn={
            "test_accuracy": Drawn("test accuracy", "nonzero"),
            "test_error": Drawn("test error", "log", name="the test error"),
            "test_r2": Drawn("test R^2", "nonzero"),
            "success": Drawn(
                "success rate", "share", about="The success rate is the share of all replicates that succeed."
            ),
            DIVERGED: Drawn("share of diverged runs", "share", only_if_any=True, name="the share of diverged runs"),
        },
        table=TableBeneath("suite.report.analysis_tables:tabulate_outcomes", "comparisons"),
    ),
    ChartDeclaration(
        name="accuracy_against_v3",
        title="Does variability predict training?",
        caption=(
            "Each point is one architecture with one way of training, labeled by depth or width where space permits, "
            "by the mean and by the median of V3. If V3 ranks them by accuracy, points rise from left to right."
        ),
        sentences="suite.report.captions:state_prediction",
        function="suite.report.training:draw_outcome_against_predictor",
        drawn={"test_accuracy": Drawn("test accuracy"), "v3": Drawn("V3", "log")},
        every=True,
    ),
    ChartDeclaration(
        name="tournament",
        title="Which quantities predict training?",
        caption=(
            "Rank correlation of quantities measured before training with the training outcome, over members "
            "with two or more hidden layers, with 95% intervals. Diamonds are baselines; the table tests which "
            "predictors beat them."
        ),
        sentences="suite.report.captions:state_ranking",
        function="suite.report.predictors:draw_ranking",
        drawn={TOURNAMENT: Drawn("Spearman's rho")},
        needs="ranking",
        table=TableBeneath("suite.report.predictors:tabulate_ranking", "predictors"),
    ),
    ChartDeclaration(
        name="tournament_by_training",
        title="Predictors across training settings",
        caption=(
            "Rank correlation over all members, for the baselines and for the measured predictors that are best on "
            "average over the training settings. This selection favors them slightly."
        ),
        sentences="suite.report.captions:state_ranking_by_training",
        function="suite.report.predictors:draw_ranking_by_training",
        drawn={TOURNAMENT: Drawn("Spearman's rho")},
        beside={
            "v3": Drawn("the measured predictor that is always drawn"),
            "-depth": Drawn("the baseline that is always drawn"),
        },
        needs="ranking",
    ),
)
