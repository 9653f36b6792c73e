"""Charts of random networks: variability, collapse, signals, death and gradients."""

from suite.catalog.charts.declaration import ChartDeclaration, Drawn, TableBeneath

INITIALIZATION = (
    ChartDeclaration(
        name="variability",
        title="Variability at initialisation",
        caption=(
            "Look for a rise with depth, a peak inside, and a fall, of V3 (mean third difference of the output at "
            "the study's step) and of V3 over the output's own size. Means over draws with 95% intervals; medians "
            "dashed. Where a median leaves its mean, a few draws carry the mean, as in deep, narrow members."
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
            "Look for the depth at which the share leaves 0, and compare it with the peak of variability. Share "
            "of draws whose output hardly varies, with Wilson's 95% interval: against its own size (relative), "
            "against the size that theory predicts (absolute), or not at all (exact: one value, or a dead hidden "
            "layer)."
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
        title="The way they collapsed",
        caption=(
            "Look for the way that prevails where collapse sets in. Shares of all draws: a dead layer; biases "
            "that outweigh the signal; norm: variation small for the predicted scale but not for the output's own "
            "size; or hidden vectors that all point the same way."
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
        title="Without a resolution",
        caption=(
            "See whether it peaks where V3 does. Total variation of the slope per unit length, and kinks per line "
            "across the domain, from exact breakpoints. Medians dashed. V3 at a step wider than the kinks are "
            "apart smooths over them, so its peak may lie elsewhere."
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
            "Cosine of two inputs' pre-activations through the deepest networks: points are means over draws with "
            "95% intervals, lines the correlation map of infinitely wide networks. Where the cosine goes to 1, "
            "all inputs become one direction, and the output collapses to a constant. Narrow networks leave the "
            "line. Inputs have |x|^2 / n_0 = q* (1 where there is no q*, as for ReLU), so that the first layers "
            "are on their way to q*."
        ),
        function="suite.report.random_networks:draw_correlation",
        drawn={"correlation": Drawn("cosine of pre-activations")},
        beside={"collapsed_relative": Drawn("C2C frequency, relative")},
        table=TableBeneath("suite.report.page_tables:tabulate_agreement", "agreement"),
    ),
    ChartDeclaration(
        name="jacobian",
        title="Jacobian, layer after layer",
        caption=(
            "Look for m1 that leaves 1, where signals and gradients shrink or grow, and for a spread that grows, "
            "where few directions are left. From the first hidden layer to each later one: mean squared singular "
            "value m1, its spread m2 / m1^2, and the largest singular value. Lines are the laws at these widths, "
            "exact for ReLU and all homogeneous activations."
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
        title="Dead neurons at initialisation",
        caption=(
            "Look for shares that grow with depth and fall with width. A neuron is dead where it is constant over "
            "the domain; a network is born dead where a whole layer is. Lines are closed forms. Decided exactly "
            "in the first layer and with one input, elsewhere at sample points."
        ),
        function="suite.report.death:draw_dead_neurons",
        drawn={"dead_fraction": Drawn("dead share of the first layer"), "born_dead": Drawn("born dead", "share")},
        table=TableBeneath("suite.report.page_tables:tabulate_agreement", "agreement"),
    ),
    ChartDeclaration(
        name="success_bound",
        title="Is success bounded by trainability?",
        caption=(
            "A point a member and task: the share of trainings that succeed, with Wilson's 95% interval, against "
            "the share of random networks that have the live neurons which the task needs. Above the black line "
            "success would exceed its bound; how far below it a point lies is what having the neurons does not "
            "suffice for."
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
            "Share of random networks that have the live neurons which the task needs, with its closed form as a "
            "line, and the share of trainings that succeed, with Wilson's 95% intervals. Success may not lie "
            "above."
        ),
        function="suite.report.death:draw_trainability",
        drawn={"trainability": Drawn("trainability")},
        beside={"success": Drawn("success rate")},
    ),
    ChartDeclaration(
        name="gradients",
        title="Gradients at initialisation",
        caption=(
            "Of the training loss, medians over draws, on logarithmic axes. Look for members whose gradients are "
            "small, as they become with depth where they vanish; and, where collapse is measured, on the right "
            "whether these are the ones that collapse: the two go together but are not the same thing."
        ),
        function="suite.report.random_networks:draw_gradients",
        drawn={
            "input_gradient": Drawn("input gradient, median", "log"),
            "parameter_gradient": Drawn("first layer's gradient, median", "log"),
        },
        beside={"collapsed_relative": Drawn("C2C frequency, relative")},
    ),
)
