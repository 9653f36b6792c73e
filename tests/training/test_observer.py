"""One training serves every measure that watches it, and none changes what the others see."""

import pytest
import torch

from suite.catalog.activations import Relu
from suite.catalog.initializations import Critical
from suite.catalog.measures.training import (
    AccuracySettings,
    FeatureDiversitySettings,
    RevivalSettings,
    fine_steps,
    recorded_steps,
)
from suite.catalog.optimizers import AdamW, Sgd
from suite.catalog.tasks import Checkerboard
from suite.nets.ensemble import Ensemble
from suite.nets.initialization import draw_parameters
from suite.theory.scaling import layer_variances
from suite.training.accuracy import Accuracy
from suite.training.features import FeatureDiversity
from suite.training.observer import observe
from suite.training.revival import Revival
from suite.training.tasks import make_data

TASK = Checkerboard(squares=2, train=48, test=40)
WIDTHS = (2, 6, 5, 1)
DRAWS = 3


def networks(normalization="none", residual=False):
    scheme = Critical(bias_std=0.1)
    variances = layer_variances(scheme, Relu(), WIDTHS)
    normalized = normalization != "none"
    parameters = draw_parameters(scheme, WIDTHS, variances, 5, {"test": "observer"}, 0, DRAWS, normalized=normalized)
    return Ensemble(WIDTHS, Relu(), variances, parameters, normalization, residual)


def training(steps=20, rates=(0.1, 0.5)):
    rules = tuple(Sgd(learning_rate=rate, batch=16, momentum=0.5) for rate in rates)
    return AccuracySettings(task=(TASK,), optimizer=rules, steps=steps, replicates=DRAWS)


class Diary:
    """Writes down what it is shown."""

    def __init__(self, networks, setup, stops):
        self.stops, self.setup = stops, setup
        self.before = networks.parameters.clone()
        self.seen = []

    def look(self, networks, step):
        self.seen.append((step, networks.parameters.clone()))

    def readings(self):
        steps = torch.tensor([float(step) for step, _ in self.seen])
        rows = torch.arange(float(len(self.before)))
        return {"steps": steps.expand(len(rows), -1), "row": rows, "first": self.before[:, 0]}


def watched(*stops, ensemble=None, given=None):
    diaries = []

    def make(networks, setup, when):
        diaries.append(Diary(networks, setup, when))
        return diaries[-1]

    chosen = ensemble or networks()
    found = observe(chosen, make_data(TASK, 1, 0, DRAWS), given or training(), [(make, when) for when in stops])
    return diaries, found


def test_every_observer_is_called_at_its_own_steps():
    """In order, whatever the others want; both see the same networks where they meet."""
    (one, two), _ = watched([0, 4, 9], [2, 4, 20])

    assert [step for step, _ in one.seen] == [0, 4, 9]
    assert [step for step, _ in two.seen] == [2, 4, 20]
    assert torch.equal(one.seen[1][1], two.seen[1][1])
    assert not torch.equal(one.seen[1][1], one.seen[2][1])


def test_observers_are_made_before_the_first_step():
    """From the drawn networks, once for each learning rate."""
    (diary,), _ = watched([0, 20])

    assert torch.equal(diary.before, networks().parameters.repeat(2, 1))
    assert torch.equal(diary.seen[0][1], diary.before)


def test_a_lesson_has_the_data_of_every_network():
    """Each rate's networks have the replicates' data, in the replicates' order."""
    (diary,), _ = watched([1])

    data = make_data(TASK, 1, 0, DRAWS)
    assert diary.setup.task == TASK
    assert torch.equal(diary.setup.data.train.inputs, data.train.inputs.repeat(2, 1, 1))
    assert torch.equal(diary.setup.data.test.labels, data.test.labels.repeat(2, 1, 1))


def test_readings_come_by_draw_and_learning_rate():
    """First axis the draws, second the rates, then the axes of the observer."""
    _, found = watched([0, 3])

    assert found["row"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert found["steps"].shape == (DRAWS, 2, 2)
    assert torch.equal(found["first"][:, 0], found["first"][:, 1])


def test_the_drawn_networks_stay_as_they_were():
    """Copies are trained."""
    ensemble = networks()

    watched([20], ensemble=ensemble)

    assert torch.equal(ensemble.parameters, networks().parameters)


@pytest.mark.parametrize(
    ("normalization", "residual"), [("none", False), ("batch", False), ("layer", True)], ids=["plain", "batch", "both"]
)
def test_an_observer_more_leaves_accuracys_numbers_as_they_were(normalization, residual):
    """Bit for bit, although the training then pauses at many more steps."""
    ensemble, data, given = networks(normalization, residual), make_data(TASK, 1, 0, DRAWS), training()
    others = [(FeatureDiversity, FeatureDiversitySettings(layers=(1, 2), points=30))]
    if normalization == "none" and not residual:
        others.append((Revival, RevivalSettings()))
    assert len(fine_steps(20)) > len(recorded_steps(20))

    alone = observe(ensemble, data, given, [(Accuracy, given)])
    together = observe(ensemble, data, given, [(Accuracy, given), *others])

    for name, values in alone.items():
        assert torch.equal(torch.nan_to_num(together[name], -1.0), torch.nan_to_num(values, -1.0)), name
    assert {"feature_cosine", "leading_share", "phase1_steps"} <= set(together) - set(alone)
    assert together["feature_cosine"].shape == (DRAWS, 2, 2, len(recorded_steps(20)))


def test_a_diverged_network_has_no_values_in_any_measure():
    """At no step, of what all three measures record; the other networks keep theirs, and the events are known."""
    measures = [
        (Accuracy, given := training(steps=60, rates=(0.1, 1e3))),
        (FeatureDiversity, FeatureDiversitySettings()),
        (Revival, RevivalSettings()),
    ]

    found = observe(networks(), make_data(TASK, 1, 0, DRAWS), given, measures)

    assert found["diverged"].tolist() == [[0, 1]] * DRAWS
    assert found["success"][:, 1].tolist() == [0] * DRAWS
    for name in (
        *("train_loss", "train_accuracy", "validation_accuracy", "test_accuracy", "feature_cosine"),
        *("feature_cosine_within", "feature_cosine_between", "feature_change_phase1", "feature_change_phase2"),
        *("leading_share", "revivable", "revived", "revived_permanent"),
    ):
        assert found[name][:, 1].isnan().all(), name
    for name in ("train_loss", "test_accuracy", "feature_cosine", "revivable", "revived"):
        assert found[name][:, 0].isfinite().all(), name
    assert found["landscape"].isfinite().any()


def test_a_network_that_leaves_phase_1_and_diverges_later_keeps_its_time(monkeypatch):
    """Times to events are facts from before the divergence."""
    given = training(steps=20, rates=(0.1,))
    losses = iter([0.7, *[0.1] * 100])
    monkeypatch.setattr("suite.training.features.train_loss", lambda ensemble, _: torch.full((DRAWS,), next(losses)))
    start = networks()
    start.parameters[0, -1] = torch.inf

    found = observe(
        start, make_data(TASK, 1, 0, DRAWS), given, [(Accuracy, given), (FeatureDiversity, FeatureDiversitySettings())]
    )

    assert found["diverged"][:, 0].tolist() == [1, 0, 0]
    assert found["feature_cosine"][0].isnan().all()
    assert found["phase1_steps"][:, 0].tolist() == [1, 1, 1]


def test_a_schedule_ends_at_the_last_step_of_the_training():
    """Whatever the observers record: the learning rates of a cosine do not depend on them."""
    rule = AdamW(learning_rate=0.1, batch=16, schedule="cosine", warmup=2)
    setup = AccuracySettings(task=(TASK,), optimizer=(rule,), steps=20, replicates=DRAWS)
    diaries = []

    def keep(stops):
        def make(networks, setup, settings):
            diaries.append(Diary(networks, setup, stops))
            return diaries[-1]

        return make

    for stops in ((0, 5), (0, 5, 20)):
        observe(networks(), make_data(TASK, 1, 0, DRAWS), setup, [(keep(stops), None)])

    (early, late), (_, longer) = ([diary.seen[1] for diary in diaries], diaries[1].seen[1:])
    assert torch.equal(early[1], late[1])
    assert longer[0] == 20
