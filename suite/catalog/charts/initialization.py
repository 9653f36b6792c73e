"""Declarations of charts of random networks: variability, collapse, signals, death and gradients."""

from suite.catalog.charts.declaration import ChartDeclaration, Drawn, TableBeneath

INITIALIZATION = (
    ChartDeclaration(
        name="variability",
        title="Variability at initialization",
        caption=(
            "V3 (mean size of the third divided difference of the output) and V3 divided by the rms of the "
            "output. Means over draws with 95% intervals; medians are dashed. Does V3 rise with depth, peak and "
            "fall? If mean and median differ much, a few draws dominate the mean, as in deep, narrow networks."
        ),
        function="suite.report.measured:draw_panels",
        drawn={
            "v3": Drawn("V3", "towering", median=True),
            "v3_over_rms": Drawn("V3 / rms", "towering", median=True),
            "v3_exact": Drawn("E|f'''|, exact", "towering", median=True),
        },
    ),
    ChartDeclaration(
        name="collapse",
        title="Collapse to Constant",
        caption=(
            "Share of draws whose output hardly varies over the domain, with Wilson's 95% intervals: relative "
            "to its own size, relative to the size that theory predicts (absolute), or not at all (exact: a "
            "single value or a dead hidden layer). At which depth does it start, and how does that compare with "
            "the peak of V3?"
        ),
        function="suite.report.measured:draw_panels",
        drawn={
            "collapsed_relative": Drawn("C2C frequency, relative", "share"),
            "collapsed_absolute": Drawn("C2C frequency, absolute", "share"),
            "collapsed_exact": Drawn("C2C frequency, exact", "share"),
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
            "collapse_by_death": Drawn("death"),
            "collapse_by_bias": Drawn("bias"),
            "collapse_by_norm": Drawn("norm"),
            "collapse_by_angle": Drawn("angle"),
        },
    ),
    ChartDeclaration(
        name="slope_variation",
        title="Variation of the slope",
        caption=(
            "Total variation of the slope per unit length, and kinks per line across the domain, from exact "
            "breakpoints; medians are dashed. Unlike V3, they do not depend on a step. Compare their peak with that of "
            "V3, which misses kinks that are closer to each other than its step."
        ),
        function="suite.report.measured:draw_panels",
        drawn={
            "slope_variation": Drawn("TV(f') per length", median=True),
            "breakpoints": Drawn("kinks per line", median=True),
        },
    ),
    ChartDeclaration(
        name="correlation",
        title="Correlation of two inputs",
        caption=(
            "Cosine of two inputs' preactivations in the deepest networks: points are means over draws with "
            "95% intervals, lines show the correlation map of infinitely wide networks. If the cosine approaches 1, "
            "all inputs are mapped to one direction and the output collapses to a constant. Narrow networks "
            "deviate from the line. Inputs have |x|^2 / n_0 = q* (1 if there is no q*, as for ReLU)."
        ),
        function="suite.report.random_networks:draw_correlation",
        drawn={"correlation": Drawn("cosine of preactivations")},
        beside={"collapsed_relative": Drawn("C2C frequency, relative")},
        table=TableBeneath("suite.report.page_tables:tabulate_agreement", "agreement"),
    ),
    ChartDeclaration(
        name="jacobian",
        title="Jacobian by layer",
        caption=(
            "Jacobian from the first hidden layer to each later one: the mean squared singular value m1, the spread "
            "m2 / m1^2, and the largest singular value. If m1 departs from 1, signals and gradients shrink or grow; if "
            "the spread grows, few directions remain. Lines show theoretical values at these widths, exact for ReLU "
            "and other homogeneous activations."
        ),
        function="suite.report.random_networks:draw_jacobian",
        drawn={
            "jacobian_mean": Drawn("m1, mean squared singular value", "log"),
            "jacobian_ratio": Drawn("m2 / m1^2", "log"),
            "jacobian_max": Drawn("largest singular value", "log"),
        },
        table=TableBeneath("suite.report.page_tables:tabulate_agreement", "agreement"),
    ),
    ChartDeclaration(
        name="dead_neurons",
        title="Dead neurons at initialization",
        caption=(
            "A neuron is dead if it is constant over the domain; a network is born dead if a whole layer is "
            "dead. Both become more frequent with depth and less frequent with width. Lines show theoretical values. "
            "Death is decided exactly in the first layer and for one input, otherwise at sample points."
        ),
        function="suite.report.death:draw_dead_neurons",
        drawn={"dead_fraction": Drawn("dead share of the first layer"), "born_dead": Drawn("born dead", "share")},
        table=TableBeneath("suite.report.page_tables:tabulate_agreement", "agreement"),
    ),
    ChartDeclaration(
        name="success_bound",
        title="Is success bounded by trainability?",
        caption=(
            "Each point is one architecture and task: the share of trainings that succeed, with Wilson's 95% "
            "interval, against the share of random networks with enough live neurons for the task. Points above "
            "the black line would violate the bound. Points far below it show that enough live neurons do not "
            "suffice."
        ),
        function="suite.report.death:draw_success_bound",
        drawn={"trainability": Drawn("trainability"), "success": Drawn("success rate")},
        every=True,
        table=TableBeneath("suite.report.analysis_tables:tabulate_bounds", "bounds"),
    ),
    ChartDeclaration(
        name="trainability",
        title="Trainability and success, by size",
        caption=(
            "Share of random networks with enough live neurons for the task (line: theoretical value), and share of "
            "trainings that succeed, with Wilson's 95% intervals. Trainability bounds success from above."
        ),
        function="suite.report.death:draw_trainability",
        drawn={"trainability": Drawn("trainability")},
        beside={"success": Drawn("success rate")},
    ),
    ChartDeclaration(
        name="gradients",
        title="Gradients at initialization",
        caption=(
            "Gradients of the training loss, medians over draws, on logarithmic axes. Small gradients at large "
            "depth are vanishing gradients. If collapse is measured, the right panel shows whether members with small "
            "gradients also collapse. The two are related but not the same."
        ),
        function="suite.report.random_networks:draw_gradients",
        drawn={
            "input_gradient": Drawn("input gradient, median", "log"),
            "parameter_gradient": Drawn("first layer's gradient, median", "log"),
        },
        beside={"collapsed_relative": Drawn("C2C frequency, relative")},
    ),
)
