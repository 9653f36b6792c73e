"""Linear models are those of scikit-learn, with the penalty whose validation loss is the lowest."""

import warnings

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge
from torch import Tensor

from suite.nets.losses import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, HALF_SQUARE, Loss
from suite.training.linear import fit_linear, linear_outputs
from suite.training.tasks import Data, Points

PENALTIES = [10.0, 1.0, 0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6]


def _data(points: int, inputs: int, outputs: int, loss: Loss) -> Data:
    """Return two replicates of noisy linear data, whose inputs have different means and sizes; one is constant."""
    generator = torch.Generator().manual_seed(points + inputs + outputs)
    weights = torch.randn(outputs, inputs, generator=generator) * 2 / inputs**0.5
    sizes = torch.logspace(-1, 2, inputs)[:, None]

    def draw(number: int) -> Points:
        normal = torch.randn(2, inputs, number, generator=generator)
        scores = weights @ normal + torch.randn(2, outputs, number, generator=generator)
        if loss is CROSS_ENTROPY:
            scores = torch.nn.functional.one_hot(scores.argmax(1), outputs).transpose(1, 2).float()
        elif loss is BINARY_CROSS_ENTROPY:
            scores = (scores > 0).float()
        values = 5 + sizes * normal
        values[:, 0] = 7.1
        return Points(values, scores)

    return Data(0, loss, draw(points), draw(points // 2), draw(points // 2))


def _with_scikit_learn(data: Data, replicate: int, penalty: float) -> list[Tensor]:
    """Return the outputs (1, outputs, points) of a model on the validation and test sets."""
    x, y = (values[replicate].T.double().numpy() for values in (data.train.inputs, data.train.labels))
    mean, deviation = x.mean(0), np.where(np.ptp(x, axis=0) > 0, x.std(0), 1.0)

    def scaled(points: Points) -> NDArray[np.float64]:
        found: NDArray[np.float64] = (points.inputs[replicate].T.double().numpy() - mean) / deviation
        return found

    if data.loss is HALF_SQUARE:
        model = Ridge(alpha=penalty * y.size).fit(scaled(data.train), y)
        outputs = [model.predict(scaled(part)) for part in (data.validation, data.test)]
    else:
        classes = y.argmax(1) if data.loss is CROSS_ENTROPY else y[:, 0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of versions that announce changes of arguments
            model = LogisticRegression(C=1 / (penalty * len(y)), tol=1e-9, max_iter=10_000)
            model.fit(scaled(data.train), classes)
        outputs = [model.decision_function(scaled(part)) for part in (data.validation, data.test)]
    return [torch.from_numpy(found.reshape(len(found), -1).T)[None] for found in outputs]


@pytest.mark.parametrize(
    ("points", "inputs", "outputs", "loss"),
    [
        (300, 6, 1, BINARY_CROSS_ENTROPY),
        (300, 6, 3, CROSS_ENTROPY),
        (40, 100, 3, CROSS_ENTROPY),
        (300, 6, 2, HALF_SQUARE),
        (40, 100, 2, HALF_SQUARE),
        (50, 50, 1, HALF_SQUARE),
    ],
)
def test_linear_models_are_those_of_scikit_learn(points: int, inputs: int, outputs: int, loss: Loss) -> None:
    data = _data(points, inputs, outputs, loss)
    found = linear_outputs(fit_linear(data), data.test.inputs)
    for replicate in range(2):
        labels = data.validation.labels[replicate : replicate + 1].double()
        fitted = [_with_scikit_learn(data, replicate, penalty) for penalty in PENALTIES]
        _, expected = min(fitted, key=lambda outputs: float(loss.value(outputs[0], labels)))
        tolerance = 1e-9 if loss is HALF_SQUARE else 0.005
        torch.testing.assert_close(found[replicate], expected[0], rtol=0, atol=tolerance)


def test_a_difference_of_nearly_equal_columns_is_learned() -> None:
    """Weak penalties alone can use it; the validation loss rises before it falls."""
    generator = torch.Generator().manual_seed(3)

    def draw(number: int) -> Points:
        common, label = torch.randn(2, 2, 1, number, generator=generator)
        return Points(torch.cat([common + label / 100, common - label / 100], dim=1), (label > 0).float())

    data = Data(0, BINARY_CROSS_ENTROPY, draw(300), draw(200), draw(400))
    right = (linear_outputs(fit_linear(data), data.test.inputs) > 0) == (data.test.labels > 0)
    assert right.double().mean() > 0.98


def test_separable_classes_and_constant_labels_have_finite_models() -> None:
    data = _data(60, 4, 1, BINARY_CROSS_ENTROPY)
    sides = data.train.inputs[:, 1:2]
    separable = Data(0, BINARY_CROSS_ENTROPY, *[Points(data.train.inputs, (sides > 5).float())] * 3)
    outputs = linear_outputs(fit_linear(separable), data.train.inputs)
    assert outputs.isfinite().all()
    assert ((outputs > 0) == (sides > 5)).all()
    ones = Data(0, HALF_SQUARE, *[Points(data.train.inputs, torch.ones_like(sides))] * 3)
    torch.testing.assert_close(linear_outputs(fit_linear(ones), data.train.inputs), torch.ones_like(sides).double())


def test_an_error_of_the_clock_ends_a_fit() -> None:
    calls = []

    def check_time() -> None:
        calls.append(0)
        if len(calls) == 5:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        fit_linear(_data(300, 6, 3, CROSS_ENTROPY), check_time)
    assert len(calls) == 5
