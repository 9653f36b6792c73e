"""Short trainings of networks on the user's data, with replicates, before and after a remedy."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise, zip_longest
from math import sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import t as student
from torch import Tensor

from suite.catalog.optimizers import Adam
from suite.diagnosis.samples import Samples, standardize_rows
from suite.nets.ensemble import Ensemble
from suite.nets.normalization import AXES, EPSILON
from suite.nets.streams import stream
from suite.nets.traced import Add, Normalize, TracedNetwork
from suite.training.accuracy import outputs_on, score_points
from suite.training.tasks import Data, Points
from suite.training.trainer import draw_batches, train

RATES = (0.0003, 0.001, 0.003, 0.01)
"""Learning rates of Adam; the best one is chosen by validation."""

REPLICATES = 5
STEPS = 400
BATCH = 64

_MOST_POINTS = 20_000
"""Largest number of points that are used."""

_SHARES = (0.6, 0.2)
"""Shares of the points for training and for validation; the rest is for testing."""


@dataclass(frozen=True)
class Outcome:
    """Trainings of one network.

    Attributes:
        validation: The validation score of each replicate.
        test: The test score of each replicate.
        rate: The learning rate, chosen by the mean validation score.
    """

    validation: NDArray[np.float64]
    test: NDArray[np.float64]
    rate: float

    @property
    def score(self) -> float:
        """The mean test score."""
        return float(self.test.mean())

    @property
    def validated(self) -> float:
        """The mean validation score."""
        return float(self.validation.mean())


class Trial:
    """Trains networks on replicates of the data that all networks share.

    Args:
        samples: The data.
        seed: The seed of splits, batches and new weights.
        steps: The number of steps of Adam.
        replicates: The number of replicates, each with its own split.
        rates: The learning rates.
    """

    def __init__(
        self,
        samples: Samples,
        seed: int = 0,
        steps: int = STEPS,
        replicates: int = REPLICATES,
        rates: Sequence[float] = RATES,
    ) -> None:
        self.samples = samples.subsample(_MOST_POINTS, seed)
        self.seed, self.steps, self.replicates, self.rates = seed, steps, replicates, tuple(rates)
        number = self.samples.number
        orders = [stream(seed, trial=replicate).permutation(number) for replicate in range(replicates)]
        self.order = torch.from_numpy(np.stack(orders))
        self.train, self.validation = (max(1, round(share * number)) for share in _SHARES)

    def run(
        self,
        network: TracedNetwork,
        draw: Callable[[TracedNetwork, torch.Generator], Sequence[Tensor]] | None = None,
        standardize: frozenset[str] = frozenset(),
    ) -> Outcome:
        """Train a network at every learning rate, and return the outcome of the best.

        Args:
            network: A single network, from whose parameters all replicates start unless they are drawn.
            draw: Draws parameters of replicates; every learning rate starts from the same ones.
            standardize: What gets mean 0 and variance 1 over each replicate's training set: "inputs", "targets".
        """
        parts = self._parts(standardize)
        generator = torch.Generator().manual_seed(self.seed)
        copies = network.to(torch.float32).repeat(self.replicates)
        start = draw(copies, generator) if draw else copies.parameters
        ensemble = trainable_ensemble(copies, start)
        if ensemble is not None:
            validation, test = self._train_ensemble(ensemble, parts)
        else:
            validation, test = self._train_traced(copies, start, parts)
        by_rate = [part.numpy() for part in validation.split(self.replicates)]
        best = int(np.argmax([values.mean() for values in by_rate]))
        part = slice(best * self.replicates, (best + 1) * self.replicates)
        return Outcome(by_rate[best], test[part].numpy(), self.rates[best])

    def _train_ensemble(self, ensemble: Ensemble, parts: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        """Train by the suite's own trainer; return the validation and test scores, rate by rate."""
        data = Data(self.seed, self.samples.loss, *(Points(x, y) for x, y in parts))
        optimizers = [Adam(learning_rate=rate, batch=min(BATCH, self.train)) for rate in self.rates]
        everything = ensemble[torch.arange(self.replicates).repeat(len(self.rates))]
        for _ in train(everything, data, optimizers, [self.steps]):
            pass
        repeated = data.repeat(len(self.rates))
        _, *outputs = outputs_on(everything, repeated, [repeated.validation.inputs, repeated.test.inputs])
        labels = (repeated.validation.labels, repeated.test.labels)
        validation, test = (
            score_points(*each, self.samples.loss).mean(1) for each in zip(outputs, labels, strict=True)
        )
        return validation.nan_to_num(nan=-torch.inf), test.nan_to_num(nan=-torch.inf)

    def _train_traced(
        self, network: TracedNetwork, start: Sequence[Tensor], parts: Sequence[tuple[Tensor, Tensor]]
    ) -> tuple[Tensor, Tensor]:
        """Train by autograd; return the validation and test scores, rate by rate."""
        groups = len(self.rates)
        parameters = [values.detach().float().repeat(groups, *[1] * (values.ndim - 1)).clone() for values in start]
        sets = [(x.repeat(groups, 1, 1), y.repeat(groups, 1, 1)) for x, y in parts]
        everything = network.repeat_all(groups)
        self._optimize(everything, parameters, *sets[0])
        validation, test = (self._score(everything, parameters, sets[0][0], *each) for each in sets[1:])
        return validation, test

    def _parts(self, standardize: frozenset[str]) -> list[tuple[Tensor, Tensor]]:
        """Return inputs and labels of the training, validation and test sets, (replicates, rows, points)."""
        inputs = self.samples.inputs[:, self.order].transpose(0, 1)
        labels = self.samples.labels[:, self.order].transpose(0, 1)
        if "inputs" in standardize:
            inputs = standardize_rows(inputs, self.train)
        if "targets" in standardize and self.samples.regression:
            labels = standardize_rows(labels, self.train)
        ends = (0, self.train, self.train + self.validation, self.samples.number)
        return [
            (inputs[..., start:stop].float().contiguous(), labels[..., start:stop].float().contiguous())
            for start, stop in pairwise(ends)
        ]

    def _optimize(self, network: TracedNetwork, parameters: list[Tensor], inputs: Tensor, labels: Tensor) -> None:
        """Train all networks by Adam, in place."""
        loss = self.samples.loss
        rates = torch.tensor(self.rates).repeat_interleave(self.replicates)
        shaped = [rates.reshape(-1, *[1] * (values.ndim - 1)) for values in parameters]
        moments = [(torch.zeros_like(values), torch.zeros_like(values)) for values in parameters]
        batches = draw_batches(self.seed, self.train, min(BATCH, self.train))
        for step, chosen in enumerate(islice(batches, self.steps), 1):
            with torch.enable_grad():
                for values in parameters:
                    values.requires_grad_()
                total = loss.value(network(inputs[..., chosen], parameters), labels[..., chosen]).sum()
                gradients = torch.autograd.grad(total, parameters, allow_unused=True)
            with torch.no_grad():
                for values, gradient, rate, (mean, square) in zip(parameters, gradients, shaped, moments, strict=True):
                    values.requires_grad_(False)
                    if gradient is None:
                        continue
                    mean.lerp_(gradient, 0.1)
                    square.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
                    size = (square / (1 - 0.999**step)).sqrt_().add_(1e-8)
                    values.sub_(rate * (mean / (1 - 0.9**step)) / size)

    def _score(
        self, network: TracedNetwork, parameters: Sequence[Tensor], train: Tensor, inputs: Tensor, labels: Tensor
    ) -> Tensor:
        """Return scores; batch normalization uses the statistics of the training set."""
        with torch.no_grad():
            if network.has_batch_statistics:
                together = network(torch.cat([train, inputs], dim=2), parameters, reference=train.shape[2])
                outputs = together[..., train.shape[2] :]
            else:
                outputs = network(inputs, parameters)
        return self._mean_score(outputs, labels)

    def _mean_score(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Return each network's accuracy or R^2; a number that is missing is minus infinity."""
        return score_points(outputs, labels, self.samples.loss).mean(1).nan_to_num(nan=-torch.inf)


def trainable_ensemble(network: TracedNetwork, parameters: Sequence[Tensor]) -> Ensemble | None:
    """Return the networks as an ensemble, which trains many times as fast; None if an ensemble cannot hold them.

    It can hold MLPs with biases and one activation of the catalog, in which either all or none of the hidden layers are
    normalized, and all or none are residual. Whether it computes the same is checked with random parameters.
    """
    norms = [step for step in network.steps if isinstance(step, Normalize)]
    entry = network.hidden[0].entry if network.hidden else None
    like_ensembles = (
        entry is not None
        and all(step.entry == entry for step in network.hidden)
        and len(network.hidden) == len(network.linears) - 1
        and network.steps[-1] is network.linears[-1]
        and not network.derived
        and all(step.bias is not None for step in network.linears)
        and len(norms) in (0, len(network.hidden))
        and all(step.gain is not None and step.shift is not None and not step.statistics for step in norms)
        and all((step.kind, step.eps) == (norms[0].kind, EPSILON) and step.kind in AXES for step in norms)
    )
    if not like_ensembles:
        return None
    order: list[int | None] = []
    for step, norm in zip_longest(network.linears, norms):
        order += [step.weight, step.bias, *([norm.gain, norm.shift] if norm else [])]
    places = [place for place in order if place is not None]
    if sorted(places) != list(range(len(network.parameters))):
        return None  # layers share parameters
    widths = (network.inputs, *(network.parameters[step.weight].shape[1] for step in network.linears))
    residual = any(isinstance(step, Add) for step in network.steps)

    def make(values: Sequence[Tensor]) -> Ensemble:
        flat = torch.cat([values[place].flatten(1) for place in places], dim=1)
        variances = ((1.0, 0.0),) * len(network.linears)
        assert entry is not None
        return Ensemble(widths, entry, variances, flat, norms[0].kind if norms else "none", residual)

    generator = torch.Generator().manual_seed(0)
    tried = [torch.randn(1, *values.shape[1:], generator=generator).double() for values in network.parameters]
    tried = [values / values.shape[2] ** 0.5 for values in tried]
    points = torch.randn(network.inputs, 64, generator=generator).double()
    same = torch.allclose(make(tried)(points), network.to(torch.float64)(points, tried), rtol=1e-6, atol=1e-9)
    return make([values.float() for values in parameters]) if same else None


def corrected_error(values: NDArray[np.float64], share: float = 0.2 / 0.6) -> float:
    """Return the standard error of a mean over replicates, whose training sets overlap.

    Their variance is multiplied by 1 / n + test / train in place of 1 / n.

    Args:
        values: One value for each replicate.
        share: The size of a test set divided by that of a training set.

    Source: Nadeau & Bengio 2003, Inference for the generalization error.
    """
    return sqrt(values.var(ddof=1) * (1 / len(values) + share)) if len(values) > 1 else 0.0


def difference(
    after: NDArray[np.float64], before: NDArray[np.float64], share: float = 0.2 / 0.6
) -> tuple[float, float, float]:
    """Return the mean difference of scores, and its 95% confidence interval over replicates."""
    values = after - before
    mean, number = float(values.mean()), len(values)
    if number < 2 or not np.isfinite(values).all():
        return mean, -np.inf, np.inf
    half = float(student.ppf(0.975, number - 1)) * corrected_error(values, share)
    return mean, mean - half, mean + half
