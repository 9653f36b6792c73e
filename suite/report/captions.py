"""What each chart is called, and what there is to see."""

from collections.abc import Iterator, Mapping, Sequence

from suite.catalog.measures import MEASURES, Measure
from suite.catalog.quantities import QUANTITIES, Quantity

CAPTIONS = {
    "variability": (
        "Variability at initialisation",
        "Look for a rise with depth, a peak inside, and a fall, of V3 (mean third difference of the output at the "
        "study's step) and of V3 over the output's own size. Means over draws with 95% intervals; medians "
        "dashed. Where a median leaves its mean, a few draws carry the mean, as in deep, narrow members.",
    ),
    "collapse": (
        "Collapse to Constant",
        "Look for the depth at which the share leaves 0, and compare it with the peak of variability. Share of draws "
        "whose output hardly varies, with Wilson's 95% interval: against its own size (relative), against the size "
        "that theory predicts (absolute), or not at all (exact: one value, or a dead hidden layer).",
    ),
    "collapse_ways": (
        "The way they collapsed",
        "Look for the way that prevails where collapse sets in. "
        "Shares of all draws: a dead layer; biases that outweigh the signal; norm: variation small for the predicted "
        "scale but not for the output's own size; or hidden vectors "
        "that all point the same way.",
    ),
    "slope_variation": (
        "Without a resolution",
        "See whether it peaks where V3 does. "
        "Total variation of the slope per unit length, and kinks per line across the domain, from exact breakpoints. "
        "Medians dashed. V3 at a step wider than the kinks are apart smooths over them, so its peak may lie elsewhere.",
    ),
    "correlation": (
        "Correlation of two inputs",
        "Cosine of two inputs' pre-activations through the deepest networks: points are means over draws with 95% "
        "intervals, lines the correlation map of infinitely wide networks. Where the cosine goes to 1, all inputs "
        "become one direction, and the output collapses to a constant. Narrow networks leave the line. Inputs have "
        "|x|^2 / n_0 = q* (1 where there is no q*, as for ReLU), so that the first layers are on their way to q*.",
    ),
    "jacobian": (
        "Jacobian, layer after layer",
        "Look for m1 that leaves 1, where signals and gradients shrink or grow, and for a spread that grows, where few "
        "directions are left. "
        "From the first hidden layer to each later one: mean squared singular value m1, its spread m2 / m1^2, and the "
        "largest singular value. Lines are the laws at these widths, exact for ReLU and all homogeneous activations.",
    ),
    "dead_neurons": (
        "Dead neurons at initialisation",
        "Look for shares that grow with depth and fall with width. "
        "A neuron is dead where it is constant over the domain; a network is born dead where a whole layer is. "
        "Lines are closed forms. Decided exactly in the first layer and with one input, elsewhere at sample points.",
    ),
    "success_bound": (
        "Is success bounded by trainability?",
        "A point a member and task: the share of trainings that succeed, with Wilson's 95% interval, against the share "
        "of random networks that have the live neurons which the task needs. Above the black line success would exceed "
        "its bound; how far below it a point lies is what having the neurons does not suffice for.",
    ),
    "trainability": (
        "Trainability and success, by size",
        "Share of random networks that have the live neurons which the task needs, with its closed form as a line, "
        "and the share of trainings that succeed, with Wilson's 95% intervals. Success may not lie above.",
    ),
    "revival": (
        "Revivals",
        "Look for curves that leave 0. "
        "Neurons that were dead on the training points before the first step and are active again, per network. Plain "
        "SGD revives no permanently dead one.",
    ),
    "feature_diversity": (
        "Features while networks train",
        "Look for cosines that rise before the loss falls, and fall with it. "
        "Mean cosine between samples' features in the last recorded layer, and the share of that layer's weight "
        "change in its leading direction; 95% bands. The table says what happens in phase 1 and after it. Batch "
        "normalisation takes its statistics over the samples that are compared.",
    ),
    "phase_1": (
        "How long phase 1 lasts",
        "The further left a curve falls, the sooner these networks start to learn. Share of networks whose training "
        "loss is still above 0.9 of its chance level, by Kaplan and Meier; those "
        "that never leave are censored at the last step, not dropped.",
    ),
    "gradients": (
        "Gradients at initialisation",
        "Of the training loss, medians over draws, on logarithmic axes. Look for members whose gradients are small, "
        "as they become with depth where they vanish; and, where collapse is measured, on the right whether these "
        "are the ones that collapse: the two go together but are not the same thing.",
    ),
    "learning_curves": (
        "Learning curves",
        "Look for curves that stay at the height where all begin: these networks do not learn. Means over replicates "
        "with 95% intervals, at the learning rate that validation chose.",
    ),
    "accuracy": (
        "After training",
        "What the networks have come to: test accuracy or error, and the share of replicates that succeeded, with 95% "
        "intervals. Look for the sizes at which one setting still trains and another no longer does.",
    ),
    "accuracy_against_v3": (
        "Does variability tell what will train?",
        "A point a member, labelled with its depth, or width, where there is room. Were variability to tell, points "
        "would rise from left to right, and those of one colour by themselves, too; a cloud in a corner says that all "
        "of them train alike.",
    ),
    "tournament": (
        "What tells which networks will train?",
        "Look for predictors to the right of the baselines, the diamonds; whether by more than chance, the tables say. "
        "Rank correlation of what is known before training with what training comes to, over members of two hidden "
        "layers or more, with 95% intervals; the tables below have all of it, tournament.csv that of single "
        "activations and sizes, too. Over all members part of a correlation may be one activation standing above "
        "another; within activation is the average of what is true of each by itself.",
    ),
    "tournament_by_training": (
        "From one training to another",
        "Look for predictors that keep their height. "
        "The same over all members, of the baselines and of the measured predictors that do best on average over the "
        "settings of the training, which favours these a little.",
    ),
    "activation_ratio": (
        "Activation ratio",
        "See whether it rises with depth. Hidden activations per parameter. A network of one hidden layer and few "
        "inputs is an outlier, and belongs in no trend.",
    ),
    "landscapes": (
        "Landscapes",
        "Look for panels of one colour. "
        "Outputs over the plane, blue below 0 and red above: random ones scaled by their own largest value, so that a "
        "network which has collapsed to a constant is of one colour; trained ones as probabilities, beside the true "
        "board. White is undecided: a network that has learnt nothing.",
    ),
    "decision_boundary": (
        "How a decision boundary forms",
        "One network of some members while it trains, from left to right, as probabilities: blue for the one class, "
        "red for the other, white where it is undecided. Look for the step at which regions of either colour "
        "stand out, and for rows that stay even: what these networks learn comes late, or not at all.",
    ),
}
"""Title and what to see, by chart."""


def caption_of(name: str, quantities: Sequence[str], runs_along: bool = True) -> tuple[str, str]:
    """Title and what to see of any chart.

    Args:
        name: of the chart.
        quantities: that are drawn in it, if it is one that no caption is written for.
        runs_along: whether the study varies an axis for charts to run along.
    """
    if name in CAPTIONS:
        return CAPTIONS[name]
    owner = next((entry for entry in MEASURES.values() if set(quantities) & set(entry.quantities)), None)
    facts = {quantity: QUANTITIES.get(quantity, Quantity("")) for quantity in quantities}
    alone = name in MEASURES or name in quantities
    title = f"{'Measured' if alone else 'Measured too'}: {', '.join(quantities)}"
    about = [] if owner is None else [*_what(owner, facts), *_which_way(owner, facts)]
    replicated = owner is not None and owner.inputs == "training"
    seen = "Look for members whose intervals keep them apart."
    return title, " ".join([*about, seen, *_how(facts, "replicates" if replicated else "draws", runs_along)])


def _what(owner: Measure, facts: Mapping[str, Quantity]) -> Iterator[str]:
    yield f"{owner.summary[:1].upper()}{owner.summary[1:]} ({owner.source})."
    if [fact.meaning for fact in facts.values()] != [owner.summary]:
        yield "; ".join(f"{quantity}: {fact.meaning}" for quantity, fact in facts.items()) + "."


def _which_way(owner: Measure, facts: Mapping[str, Quantity]) -> Iterator[str]:
    for sign, words in ((1, "more"), (-1, "less")):
        some = [quantity for quantity, fact in facts.items() if fact.sign == sign]
        if some and owner.inputs != "training":
            of = "it" if len(facts) == 1 else " and ".join(some)
            yield f"A tournament takes networks with {words} of {of} for those that train better."


def _how(facts: Mapping[str, Quantity], draws: str, runs_along: bool) -> Iterator[str]:
    kinds = {fact.kind for fact in facts.values()}
    layers = any("layer" in fact.index for fact in facts.values())
    if "time" in kinds:
        yield "Of waits medians with their 95% intervals; no point where half of the runs never got there."
    if kinds != {"time"}:
        deepest = " through the layers of the deepest members" if layers else ""
        medians = "; medians dashed" if "value" in kinds and runs_along and not layers else ""
        yield f"Means over the {draws} that have a number{deepest}, with 95% intervals{medians}."
        yield "n says how many these are; of none there is no point."
    if layers:
        yield "Where a law is known, it is the line; means beside it that have none are dotted."
