"""Whether a study has what its tournament is about."""

from collections.abc import Iterator, Sequence

from suite.catalog.measures import MEASURES
from suite.catalog.predict import BASELINES, FEWEST, SHALLOWEST, Predict, candidates
from suite.catalog.quantities import QUANTITIES
from suite.catalog.shown import shown
from suite.spec.claims import asked_for, nowhere, values_of_axes
from suite.spec.members import Finding, Member
from suite.spec.model import Spec
from suite.spec.problems import nearest


def untold(spec: Spec, members: Sequence[Member]) -> Iterator[Finding]:
    """Outcomes that no training gives, predictors that are not measured before it, and too few members."""
    predict = spec.predict
    if predict is None:
        return
    yield from _outcomes(spec, predict)
    known = candidates(spec.measures)
    for name in predict.predictors or ():
        if name in BASELINES:
            yield Finding(("predict", "predictors"), f"{shown(name)} is a baseline, which is there anyway; drop it")
        elif name not in known:
            why = "no quantity"
            if name in QUANTITIES:
                trained = any(name in m.quantities for m in MEASURES.values() if m.inputs == "training")
                why = "known only after training" if trained else "not measured here"
            if name in QUANTITIES and not QUANTITIES[name].sign:
                why = "no property of a network"
            yield Finding(("predict", "predictors"), f"{shown(name)} is {why}; {nearest(name, known)}")
    if not members:  # which is told by itself
        return
    yield from nowhere(("predict", "where"), predict.where, values_of_axes(spec, members))
    deep = sum(member.depth >= SHALLOWEST for member in asked_for(members, predict.where))
    if deep < FEWEST:
        yield Finding(
            ("predict",),
            f"{deep} {'member has' if deep == 1 else 'members have'} {SHALLOWEST} hidden layers or more, "
            f"the order of so few says nothing; have {FEWEST} or more",
        )


def _outcomes(spec: Spec, predict: Predict) -> Iterator[Finding]:
    if not spec.training:
        yield Finding(("predict", "outcome"), "nothing is trained here; add [measure.accuracy]")
        return
    for outcome in predict.outcome:
        if outcome == "test_error" and not any(task.regression for task in spec.training.task):
            cure = "give test_accuracy or train_loss"
            yield Finding(("predict", "outcome"), f"test_error is of regressions, which no task here is; {cure}")
        if outcome == "test_accuracy" and all(task.regression for task in spec.training.task):
            cure = "give test_error or train_loss"
            yield Finding(("predict", "outcome"), f"regressions have no test_accuracy; {cure}")
