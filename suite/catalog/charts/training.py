"""Declarations of charts of training: features, learning curves, outcomes and their predictors."""

from suite.catalog.charts.declaration import TOURNAMENT, ChartDeclaration, Drawn, TableBeneath
from suite.catalog.measures.training import DIVERGED

TRAINING = (
    ChartDeclaration(
        name="feature_diversity",
        title="Features during training",
        caption=(
            "Mean cosine between samples' features in the last recorded layer, and the share of that layer's "
            "weight change in its leading direction, with 95% bands. In phase 1, before the loss falls, "
            "features may become more alike; the table shows the change in phase 1 and after it. Batch "
            "normalization uses the statistics of the compared samples."
        ),
        function="suite.report.training:draw_feature_diversity",
        drawn={
            "feature_cosine": Drawn("all pairs"),
            "feature_cosine_within": Drawn("within a class"),
            "feature_cosine_between": Drawn("between classes"),
            "leading_share": Drawn("leading share of the weight change"),
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
        function="suite.report.training:draw_phase_1",
        drawn={"phase1_steps": Drawn("share still in phase 1")},
        needs="values",
        table=TableBeneath("suite.report.analysis_tables:tabulate_times", "comparisons"),
    ),
    ChartDeclaration(
        name="learning_curves",
        title="Learning curves",
        caption=(
            "Means over replicates that did not diverge, with 95% intervals, at the learning rate chosen by "
            "validation. Curves that stay at their initial value belong to networks that do not learn."
        ),
        function="suite.report.training:draw_learning_curves",
        drawn={
            "train_loss": Drawn("training loss"),
            "validation_accuracy": Drawn("validation accuracy", "share"),
            "validation_error": Drawn("validation error"),
        },
    ),
    ChartDeclaration(
        name="revival",
        title="Revived neurons",
        caption=(
            "Neurons per network that were dead on the training points before the first step and are active "
            "again. SGD without weight decay revives no permanently dead neuron."
        ),
        function="suite.report.death:draw_revival",
        drawn={"revived": Drawn("tentatively dead before"), "revived_permanent": Drawn("permanently dead before")},
        beside={"revivable": Drawn("tentatively dead at the start")},
    ),
    ChartDeclaration(
        name="accuracy",
        title="After training",
        caption=(
            "Test accuracy or error of the replicates that did not diverge, and the shares of all replicates that "
            "succeed and, if there are any, that diverge, with 95% intervals. Look for sizes at which one setting "
            "still trains and another does not."
        ),
        function="suite.report.measured:draw_panels",
        drawn={
            "test_accuracy": Drawn("test accuracy", "nonzero"),
            "test_error": Drawn("test error", "log"),
            "success": Drawn("success rate", "share"),
            DIVERGED: Drawn("share of diverged runs", "share", only_if_any=True),
        },
        table=TableBeneath("suite.report.analysis_tables:tabulate_outcomes", "comparisons"),
    ),
    ChartDeclaration(
        name="accuracy_against_v3",
        title="Does variability predict training?",
        caption=(
            "Each point is one architecture, labeled by depth or width where space permits. If variability "
            "predicts accuracy, points rise from left to right, also within one color. A cluster in a corner "
            "means that all networks train equally well."
        ),
        function="suite.report.training:draw_outcome_against_predictor",
        drawn={"test_accuracy": Drawn("test accuracy"), "v3": Drawn("V3", "log")},
        every=True,
    ),
    ChartDeclaration(
        name="tournament",
        title="Which quantities predict training?",
        caption=(
            "Rank correlation of quantities measured before training with the training outcome, over members "
            "with two or more hidden layers, with 95% intervals. Diamonds are baselines: a predictor is useful "
            "if it beats them, which the tables test. Over all members, a correlation may reflect a difference "
            "between activations; 'within activation' averages the correlations within each."
        ),
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
            "average over the training settings. This selection favors them slightly. Check whether predictors keep "
            "their rank from one setting to the next."
        ),
        function="suite.report.predictors:draw_ranking_by_training",
        drawn={TOURNAMENT: Drawn("Spearman's rho")},
        beside={
            "v3": Drawn("the measured predictor that is always drawn"),
            "-depth": Drawn("the baseline that is always drawn"),
        },
        needs="ranking",
    ),
)
