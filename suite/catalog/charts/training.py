"""Charts of training: features, learning curves, what training ends at, and what predicts it."""

from suite.catalog.charts.declaration import TOURNAMENT, ChartDeclaration, Drawn, TableBeneath

TRAINING = (
    ChartDeclaration(
        name="feature_diversity",
        title="Features while networks train",
        caption=(
            "Look for cosines that rise before the loss falls, and fall with it. Mean cosine between samples' "
            "features in the last recorded layer, and the share of that layer's weight change in its leading "
            "direction; 95% bands. The table says what happens in phase 1 and after it. Batch normalisation takes "
            "its statistics over the samples that are compared."
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
        title="How long phase 1 lasts",
        caption=(
            "The further left a curve falls, the sooner these networks start to learn. Share of networks whose "
            "training loss is still above 0.9 of its chance level, by Kaplan and Meier; those that never leave "
            "are censored at the last step, not dropped."
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
            "Look for curves that stay at the height where all begin: these networks do not learn. Means over "
            "replicates with 95% intervals, at the learning rate that validation chose."
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
        title="Revivals",
        caption=(
            "Look for curves that leave 0. Neurons that were dead on the training points before the first step "
            "and are active again, per network. Plain SGD revives no permanently dead one."
        ),
        function="suite.report.death:draw_revival",
        drawn={"revived": Drawn("tentatively dead before"), "revived_permanent": Drawn("permanently dead before")},
        beside={"revivable": Drawn("tentatively dead at the start")},
    ),
    ChartDeclaration(
        name="accuracy",
        title="After training",
        caption=(
            "What the networks have come to: test accuracy or error, and the share of replicates that succeeded, "
            "with 95% intervals. Look for the sizes at which one setting still trains and another no longer does."
        ),
        function="suite.report.measured:draw_panels",
        drawn={
            "test_accuracy": Drawn("test accuracy", "nonzero"),
            "test_error": Drawn("test error", "log"),
            "success": Drawn("success rate", "share"),
        },
        table=TableBeneath("suite.report.analysis_tables:tabulate_outcomes", "comparisons"),
    ),
    ChartDeclaration(
        name="accuracy_against_v3",
        title="Does variability tell what will train?",
        caption=(
            "A point a member, labelled with its depth, or width, where there is room. Were variability to tell, "
            "points would rise from left to right, and those of one colour by themselves, too; a cloud in a "
            "corner says that all of them train alike."
        ),
        function="suite.report.training:draw_outcome_against_predictor",
        drawn={"test_accuracy": Drawn("test accuracy"), "v3": Drawn("V3", "log")},
        every=True,
    ),
    ChartDeclaration(
        name="tournament",
        title="What tells which networks will train?",
        caption=(
            "Look for predictors to the right of the baselines, the diamonds; whether by more than chance, the "
            "tables say. Rank correlation of what is known before training with what training comes to, over "
            "members of two hidden layers or more, with 95% intervals; the tables below have all of it, "
            "tournament.csv that of single activations and sizes, too. Over all members part of a correlation may "
            "be one activation standing above another; within activation is the average of what is true of each "
            "by itself."
        ),
        function="suite.report.tournament:draw_ranking",
        drawn={TOURNAMENT: Drawn("Spearman's rho")},
        needs="ranking",
        table=TableBeneath("suite.report.tournament:tabulate_ranking", "tournament"),
    ),
    ChartDeclaration(
        name="tournament_by_training",
        title="From one training to another",
        caption=(
            "Look for predictors that keep their height. The same over all members, of the baselines and of the "
            "measured predictors that do best on average over the settings of the training, which favours these a "
            "little."
        ),
        function="suite.report.tournament:draw_ranking_by_training",
        drawn={TOURNAMENT: Drawn("Spearman's rho")},
        beside={
            "v3": Drawn("the measured predictor that is always drawn"),
            "-depth": Drawn("the baseline that is always drawn"),
        },
        needs="ranking",
    ),
)
