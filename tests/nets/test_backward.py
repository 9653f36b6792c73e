"""Written-out gradients of many networks, against autograd on each."""

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from suite.catalog.activations import Abs, Elu, Gelu, LeakyRelu, Relu, Silu, Tanh
from suite.nets.backward import Backpropagation
from suite.nets.losses import BINARY_CROSS_ENTROPY, HALF_SQUARE
from tests.catalog.instances import EVERY as EACH

EVERY = [*EACH, LeakyRelu(slope=-0.3), Elu(alpha=0.4)]
WIDTHS = [(2, 5, 1), (3, 4, 6, 2), (2, 3, 1, 4, 1), (1, 4, 3, 4, 3, 1), (2, 5, 4, 3, 4, 5, 2)]
LOSSES = {
    "cross-entropy": (BINARY_CROSS_ENTROPY, binary_cross_entropy_with_logits),
    "half square": (HALF_SQUARE, lambda outputs, labels: mse_loss(outputs, labels) / 2),
}


def problem(widths, draws=3, points=11, seed=2):
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.rand(draws, widths[0], points, generator=generator, dtype=torch.float64) * 2 - 1
    labels = (torch.rand(draws, widths[-1], points, generator=generator) > 0.5).double()
    return inputs, labels


def by_autograd(nets, inputs, labels, loss):
    """Losses, gradients by all parameters in the ensemble's layout, and by the inputs."""
    values, gradients, by_input = [], [], []
    for net, points, marks in zip(nets, inputs, labels, strict=True):
        x = points.clone().requires_grad_()
        value = loss(net(x.T).T, marks)
        *parts, pulled = torch.autograd.grad(value, [*net.parameters(), x])
        values.append(value.detach())
        gradients.append(torch.cat([part.flatten() for part in parts]))
        by_input.append(pulled)
    return torch.stack(values), torch.stack(gradients), torch.stack(by_input)


@pytest.mark.parametrize("activation", EVERY, ids=lambda activation: activation.label)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("widths", WIDTHS, ids=str)
def test_gradients_are_autograds(networks, modules, activation, loss, widths):
    """By weights, biases and inputs, with the loss itself; depths 1 to 5, mixed widths, width 1."""
    ours, theirs = LOSSES[loss]
    ensemble, (inputs, labels) = networks(widths, activation), problem(widths)
    values, gradients, by_input = by_autograd(modules(ensemble), inputs, labels, theirs)
    passes = Backpropagation(ensemble, inputs.shape[2])

    outputs = passes.forward(inputs)
    torch.testing.assert_close(ours.value(outputs, labels), values, rtol=1e-12, atol=1e-12)
    delta = passes.backward(ours.gradient(outputs, labels))

    torch.testing.assert_close(passes.gradient, gradients, rtol=1e-10, atol=1e-11)
    pulled = torch.bmm(ensemble.layers[0].weight.mT, delta)
    torch.testing.assert_close(pulled, by_input, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("activation", [Relu(), Tanh(), Abs(), Gelu(), Silu()], ids=lambda entry: entry.label)
@pytest.mark.parametrize("normalization", ["none", "batch", "layer"])
@pytest.mark.parametrize("residual", [False, True], ids=["direct", "residual"])
@pytest.mark.parametrize("widths", WIDTHS, ids=str)
def test_gradients_of_options_are_autograds(networks, modules, activation, normalization, residual, widths):
    """By gains and shifts too; activations whose backward pass looks at z and such whose does not."""
    ensemble = networks(widths, activation, normalization=normalization, residual=residual)
    inputs, labels = problem(widths)
    _, gradients, by_input = by_autograd(modules(ensemble), inputs, labels, LOSSES["half square"][1])
    passes = Backpropagation(ensemble, inputs.shape[2])

    for _ in range(2):  # the second finds the buffers full
        outputs = passes.forward(inputs)
        torch.testing.assert_close(outputs, ensemble(inputs), rtol=1e-12, atol=1e-12)
        delta = passes.backward(HALF_SQUARE.gradient(outputs, labels))

        torch.testing.assert_close(passes.gradient, gradients, rtol=1e-9, atol=1e-10)
        pulled = torch.bmm(ensemble.layers[0].weight.mT, delta)
        torch.testing.assert_close(pulled, by_input, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("activation", [Relu(), Tanh(), LeakyRelu()], ids=lambda activation: activation.label)
def test_outputs_are_the_ensembles(networks, activation):
    """The pass that keeps its activations is the pass that does not."""
    ensemble, (inputs, _) = networks((2, 5, 4, 1), activation), problem((2, 1))

    outputs = Backpropagation(ensemble, inputs.shape[2]).forward(inputs)

    torch.testing.assert_close(outputs, ensemble(inputs), rtol=1e-13, atol=1e-13)


def test_points_may_be_shared(networks):
    """One set for all networks is that set for each."""
    ensemble, (inputs, labels) = networks((2, 5, 4, 1), Relu()), problem((2, 1))
    passes = Backpropagation(ensemble, inputs.shape[2])
    passes.backward(HALF_SQUARE.gradient(passes.forward(inputs[:1].expand(3, -1, -1)), labels))
    own = passes.gradient.clone()

    passes.backward(HALF_SQUARE.gradient(passes.forward(inputs[0]), labels))

    torch.testing.assert_close(passes.gradient, own)


def test_a_second_pass_sees_parameters_as_they_are_now_and_starts_from_nothing(networks, modules):
    """Gradients are overwritten, not added up, and follow changes of the parameters in place."""
    ensemble, (inputs, labels) = networks((2, 4, 3, 1), Tanh()), problem((2, 1))
    passes = Backpropagation(ensemble, inputs.shape[2])
    passes.backward(HALF_SQUARE.gradient(passes.forward(inputs), labels))
    ensemble.parameters.mul_(0.5)
    _, gradients, _ = by_autograd(modules(ensemble), inputs, labels, LOSSES["half square"][1])

    passes.backward(HALF_SQUARE.gradient(passes.forward(inputs), labels))

    torch.testing.assert_close(passes.gradient, gradients, rtol=1e-10, atol=1e-11)
