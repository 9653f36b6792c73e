"""Declarations of charts of random networks: variability, collapse, signals, death and gradients."""

from suite.catalog.charts.declaration import ChartDeclaration, Drawn, TableBeneath

INITIALIZATION = (
    ChartDeclaration(
        name="variability",
        title="Variability at initialization",
        caption=("Variability of the output over the domain: means over draws with 95% intervals."),
        function="suite.report.measured:draw_panels",
        drawn={
            "v3": Drawn(
                "V3", "towering", True, about="V3 is the mean size of the third divided difference of the output."
            ),
            "v3_over_rms": Drawn("V3 / rms", "towering", median=True),
            "v3_exact": Drawn(
                "E|f'''|, exact",
                "towering",
                True,
                about="E|f'''| is the limit of V3 as its step goes to 0.",
                name="the exact E|f'''|",
            ),
        },
    ),
    ChartDeclaration(
        name="collapse",
        title="Collapse to Constant",
        caption=(
            "Share of draws whose output hardly varies over the domain, with Wilson's 95% intervals: relative "
            "to its own size, relative to the size that theory predicts (absolute), or not at all (exact: a "
            "single value or a dead hidden layer)."
        ),
        function="suite.report.measured:draw_panels",
        drawn={
            "collapsed_relative": Drawn("C2C frequency, relative", "share", name="the relative C2C frequency"),
            "collapsed_absolute": Drawn("C2C frequency, absolute", "share", name="the absolute C2C frequency"),
            "collapsed_exact": Drawn("C2C frequency, exact", "share", name="the exact C2C frequency"),
        },
    ),
    ChartDeclaration(
        name="collapse_ways",
        title="Causes of Collapse to Constant",
        caption=(
            "Share of all draws by cause: a dead layer (death); biases larger than the signal (bias); variation "
            "small for the predicted scale but not for the output's own size (norm); hidden vectors that all "
            "point in one direction (angle)."
        ),
        function="suite.report.random_networks:draw_collapse_ways",
        drawn={
            "collapse_by_death": Drawn("death", name="the share of collapse by death"),
            "collapse_by_bias": Drawn("bias", name="the share of collapse by bias"),
            "collapse_by_norm": Drawn("norm", name="the share of collapse by norm"),
            "collapse_by_angle": Drawn("angle", name="the share of collapse by angle"),
        },
    ),
    ChartDeclaration(
        name="slope_variation",
        title="Variation of the slope",
        caption=(
            "Variation of the slope, from exact breakpoints of the output: means over draws with 95% intervals. "
            "Unlike V3, it does not depend on a step."
        ),
        function="suite.report.measured:draw_panels",
        drawn={
            "slope_variation": Drawn(
                "TV(f') per length", median=True, about="TV(f') is the total variation of the slope."
            ),
            "breakpoints": Drawn(
                "kinks per line",
                median=True,
                about="Kinks are counted per line across the domain.",
                name="the number of kinks per line",
            ),
        },
    ),
    ChartDeclaration(
        name="correlation",
        title="Correlation of two inputs",
        caption=(
            "Cosine of two inputs' preactivations by layer, in the deepest networks: means over draws with 95% "
            "intervals. A cosine of 1 means that both inputs are mapped to one direction."
        ),
        theory="Lines show the correlation map of infinitely wide networks.",
        function="suite.report.random_networks:draw_correlation",
        drawn={"correlation": Drawn("cosine of preactivations", name="the cosine")},
        beside={"collapsed_relative": Drawn("C2C frequency, relative")},
        table=TableBeneath("suite.report.page_tables:tabulate_agreement", "agreement"),
    ),
    ChartDeclaration(
        name="jacobian",
        title="Jacobian by layer",
        caption=(
            "Jacobian from the first hidden layer to each later one, in the deepest networks: the mean squared "
            "singular value m1, the spread m2 / m1^2, and the largest singular value, with 95% intervals. If m1 "
            "departs from 1, gradients shrink or grow; if the spread grows, few directions remain."
        ),
        theory="Lines show theoretical values.",
        function="suite.report.random_networks:draw_jacobian",
        drawn={
            "jacobian_mean": Drawn("m1, mean squared singular value", "log", name="m1"),
            "jacobian_ratio": Drawn("m2 / m1^2", "log", name="the spread"),
            "jacobian_max": Drawn("largest singular value", "log", name="the largest singular value"),
        },
        table=TableBeneath("suite.report.page_tables:tabulate_agreement", "agreement"),
    ),
    ChartDeclaration(
        name="dead_neurons",
        title="Dead neurons at initialization",
        caption=(
            "A neuron is dead if it is constant over the domain; a network is born dead if a whole hidden layer is "
            "dead. Means over draws with 95% intervals. The tables' column method says whether death is decided "
            "exactly or at sample points, which find too many dead neurons."
        ),
        theory="Lines show theoretical values.",
        function="suite.report.death:draw_dead_neurons",
        drawn={
            "dead_fraction": Drawn(
                "dead share of the first layer", name="the dead share of the first layer", runs="first layer"
            ),
            "born_dead": Drawn("born dead", "share", name="the share of networks born dead"),
        },
        table=TableBeneath("suite.report.page_tables:tabulate_agreement", "agreement"),
    ),
    ChartDeclaration(
        name="success_bound",
        title="Is success bounded by trainability?",
        caption=(
            "Each point is one architecture and task: the share of trainings that succeed, with Wilson's 95% "
            "interval, against the share of random networks with enough live neurons for the task. The black line is "
            "the bound; points far below it show that enough live neurons do not suffice."
        ),
        sentences="suite.report.captions:state_bounds",
        function="suite.report.death:draw_success_bound",
        drawn={"trainability": Drawn("trainability"), "success": Drawn("success rate")},
        every=True,
        table=TableBeneath("suite.report.analysis_tables:tabulate_bounds", "bounds"),
    ),
    ChartDeclaration(
        name="trainability",
        title="Trainability and success, by size",
        caption=("Share of random networks with enough live neurons for the task, with Wilson's 95% intervals."),
        theory="Lines show theoretical values of the trainability.",
        sentences="suite.report.captions:state_trends_of_both",
        function="suite.report.death:draw_trainability",
        drawn={"trainability": Drawn("trainability")},
        beside={"success": Drawn("success rate", about="The success rate is the share of trainings that succeed.")},
    ),
    ChartDeclaration(
        name="gradients",
        title="Gradients at initialization",
        caption=(
            "Norms of the gradient of the loss at initialization, with respect to the input and to the first layer's "
            "parameters: medians over draws, on logarithmic axes. The loss is that of training, or the mean of f^2 / 2 "
            "if a study trains nothing."
        ),
        function="suite.report.random_networks:draw_gradients",
        drawn={
            "input_gradient": Drawn("input gradient, median", "log", name="the input gradient", statistic="median"),
            "parameter_gradient": Drawn(
                "first layer's gradient, median",
                "log",
                name="the first layer's gradient",
                statistic="median",
                runs="first layer",
            ),
        },
        beside={
            "collapsed_relative": Drawn(
                "C2C frequency, relative",
                about="The last panel shows the frequency of Collapse to Constant against the input gradient.",
            )
        },
    ),
)
