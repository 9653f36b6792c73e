"""Every activation's kernel, against its numpy reference and against autograd."""

import numpy as np
import pytest
import torch

from suite.catalog.activations import Elu, LeakyRelu
from suite.nets.activations import Kernel, kernel
from tests.catalog.instances import EVERY as EACH

EVERY = [*EACH, LeakyRelu(slope=-0.3), LeakyRelu(slope=0.5), Elu(alpha=0.4)]
every = pytest.mark.parametrize("activation", EVERY, ids=lambda activation: activation.label)
smooth = pytest.mark.parametrize(
    "activation", [entry for entry in EVERY if entry.kind == "smooth"], ids=lambda activation: activation.label
)
PLACES = torch.cat([torch.linspace(-30, 30, 601, dtype=torch.float64) + 0.013, torch.tensor([-1e-9, 1e-9]).double()])


@every
def test_every_activation_names_its_kernel(activation):
    """A dotted path in the catalog, which leads to a function that makes it."""
    assert isinstance(kernel(activation), Kernel)


@every
def test_values_are_those_of_the_numpy_reference(activation):
    """To 1e-12, also far out; at the kink itself too."""
    places = torch.cat([PLACES, torch.tensor([0.0, *activation.kinks], dtype=torch.float64)])

    values = kernel(activation).apply_(places.clone())

    np.testing.assert_allclose(values, activation.phi(places.numpy()), rtol=1e-12, atol=1e-12)


@every
def test_apply_works_in_place(activation):
    """What comes back is the tensor that went in, also where it is a view."""
    z = PLACES.repeat(2, 1)[:, ::2]
    expected = activation.phi(z.numpy().copy())

    h = kernel(activation).apply_(z)

    assert h.data_ptr() == z.data_ptr()
    np.testing.assert_allclose(z, expected, rtol=1e-12, atol=1e-12)


@every
def test_backward_is_autograds(activation, plain):
    """And the numpy derivative times the gradient from above, written over that gradient."""
    z = PLACES.clone().requires_grad_()
    above = torch.cos(PLACES)
    (by_autograd,) = torch.autograd.grad(plain(activation)(z), z, above)
    h = kernel(activation).apply_(PLACES.clone())
    grad = above.clone()

    pulled = kernel(activation).backward_(grad, PLACES.clone(), h)

    torch.testing.assert_close(pulled, by_autograd, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(pulled, above.numpy() * activation.dphi(PLACES.numpy()), rtol=1e-12, atol=1e-12)
    assert pulled.data_ptr() == grad.data_ptr()


@every
def test_backward_needs_z_only_where_it_says_so(activation):
    """With needs_z False, the value of phi alone decides."""
    kernels = kernel(activation)
    h = kernels.apply_(PLACES.clone())
    z = PLACES.clone() if kernels.needs_z else h

    pulled = kernels.backward_(torch.ones_like(PLACES), z, h)

    np.testing.assert_allclose(pulled, activation.dphi(PLACES.numpy()), rtol=1e-12, atol=1e-12)


@smooth
def test_taylor_derivatives_are_nested_autograds(activation, plain):
    """phi, phi', phi'' and phi''' of every smooth activation."""
    z = torch.linspace(-6, 6, 241, dtype=torch.float64, requires_grad=True)
    expected = [plain(activation)(z)]
    for _ in range(3):
        expected += torch.autograd.grad(expected[-1].sum(), z, create_graph=True)
    taylor = kernel(activation).taylor
    assert taylor is not None

    found = taylor(z.detach().clone())

    for mine, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, theirs.detach(), rtol=1e-10, atol=1e-12)


@smooth
def test_taylor_leaves_its_argument_alone(activation):
    """The place is read again by the caller."""
    z = PLACES.clone()
    taylor = kernel(activation).taylor
    assert taylor is not None

    taylor(z)

    assert torch.equal(z, PLACES)


@every
def test_third_derivatives_exist_exactly_for_smooth_activations(activation):
    """Others have no Taylor kernel."""
    assert (kernel(activation).taylor is not None) == (activation.kind == "smooth")
