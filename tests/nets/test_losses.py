"""Every loss against torch's own, its gradient against autograd, and values known by hand."""

from math import log

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, mse_loss, one_hot

from suite.nets.losses import LOSSES

TORCHS = {
    "binary_cross_entropy": binary_cross_entropy_with_logits,
    "cross_entropy": lambda outputs, labels: cross_entropy(outputs.T, labels.T),
    "half_square": lambda outputs, labels: mse_loss(outputs, labels) / 2,
}
"""Of one network: (outputs, points) each."""


def problem(name, outputs=4, draws=3, points=7):
    generator = torch.Generator().manual_seed(5)
    found = torch.randn(draws, outputs, points, generator=generator, dtype=torch.float64) * 3
    if name == "cross_entropy":
        shown = torch.randint(outputs, (draws, points), generator=generator)
        return found, one_hot(shown, outputs).mT.double()
    return found, (torch.rand(draws, outputs, points, generator=generator) > 0.5).double()


@pytest.mark.parametrize("name", LOSSES)
def test_values_are_torchs(name):
    """One a network, each from its own outputs and labels."""
    outputs, labels = problem(name)
    expected = [TORCHS[name](one, marks) for one, marks in zip(outputs, labels, strict=True)]

    torch.testing.assert_close(LOSSES[name].value(outputs, labels), torch.stack(expected), rtol=1e-13, atol=0)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("outputs", [1, 2, 10])
def test_gradients_are_autograds(name, outputs):
    """By every output of every network; the arguments are left as they are."""
    found, labels = problem(name, outputs)
    before = found.clone()
    (expected,) = torch.autograd.grad(LOSSES[name].value(leaf := found.clone().requires_grad_(), labels).sum(), leaf)

    torch.testing.assert_close(LOSSES[name].gradient(found, labels), expected, rtol=1e-12, atol=1e-16)
    assert torch.equal(found, before)


@pytest.mark.parametrize("classes", [2, 10])
def test_equal_outputs_cost_the_chance_level(classes):
    """ln C, whatever the label and whatever the outputs have in common."""
    labels = one_hot(torch.arange(classes), classes).mT[None].double()

    found = LOSSES["cross_entropy"].value(torch.full_like(labels, 7.5), labels)

    assert found.item() == pytest.approx(log(classes), rel=1e-14)


def test_two_classes_are_the_binary_loss_of_their_difference():
    """Softmax of (0, z) is the sigmoid of z."""
    logits, marks = problem("binary_cross_entropy", outputs=1)
    two, labels = torch.cat([torch.zeros_like(logits), logits], 1), torch.cat([1 - marks, marks], 1)

    expected = LOSSES["binary_cross_entropy"].value(logits, marks)
    torch.testing.assert_close(LOSSES["cross_entropy"].value(two, labels), expected, rtol=1e-13, atol=0)


def test_cross_entropy_of_large_outputs_neither_overflows_nor_vanishes():
    """A confident mistake costs the difference of the outputs; in float32 too."""
    outputs = torch.tensor([[[2e4], [-1e4], [0.0]]])
    labels = torch.tensor([[[0.0], [0.0], [1.0]]])

    assert LOSSES["cross_entropy"].value(outputs, labels).tolist() == [2e4]
    assert LOSSES["cross_entropy"].gradient(outputs, labels).flatten().tolist() == [1, 0, -1]
