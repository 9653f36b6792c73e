"""Torch kernels of the activations: values, backward passes, and derivatives for Taylor series."""

# ruff: noqa: D103  # each public function except `kernel` returns the kernel of the activation in its name
from collections.abc import Callable
from dataclasses import dataclass
from math import pi, sqrt

import torch
from torch import Tensor

from suite.catalog.activations import Activation, Elu, Htanh, LeakyRelu, Selu
from suite.catalog.dotted import load
from suite.catalog.linear_region import LinearRegion

Phi = Callable[[Tensor], Tensor]
Taylor = tuple[Tensor, Tensor, Tensor, Tensor]
"""phi(z), phi'(z), phi''(z) and phi'''(z)."""


@dataclass(frozen=True)
class Kernel:
    """The functions that compute one activation phi.

    Attributes:
        phi: Computes phi out of place, with operations that torch can differentiate.
        apply_: Computes phi in place.
        backward_: Maps (gradient with respect to phi(z), z, phi(z)) to the gradient with respect to z, in place of
            its first argument.
        taylor: Maps z to phi(z), phi'(z), phi''(z), phi'''(z). None for activations that are not smooth.
        needs_z: Whether `backward_` reads z, so that the forward pass must store z in addition to phi(z).
    """

    phi: Phi
    apply_: Phi
    backward_: Callable[[Tensor, Tensor, Tensor], Tensor]
    taylor: Callable[[Tensor], Taylor] | None = None
    needs_z: bool = True


def kernel(activation: Activation) -> Kernel:
    """Return the kernel of an activation, built by the function that its catalog entry names."""
    found: Kernel = load(activation.torch_kernel)(activation)
    return found


def relu_kernel(_: Activation) -> Kernel:
    def backward_(grad: Tensor, z: Tensor, h: Tensor) -> Tensor:
        # This equals grad.mul_(h > 0) and takes a tenth of the time.
        torch.ops.aten.threshold_backward.grad_input(grad, h, 0, grad_input=grad)
        return grad

    return Kernel(torch.relu, torch.relu_, backward_, needs_z=False)


def abs_kernel(_: Activation) -> Kernel:
    return Kernel(torch.abs, torch.abs_, lambda grad, z, h: grad.mul_(torch.sign(z)))


def identity_kernel(_: Activation) -> Kernel:
    return Kernel(lambda z: z, lambda z: z, lambda grad, z, h: grad, needs_z=False)


def leaky_relu_kernel(activation: Activation) -> Kernel:
    assert isinstance(activation, LeakyRelu)
    slope = activation.slope

    def backward_(grad: Tensor, z: Tensor, h: Tensor) -> Tensor:
        return grad.mul_(torch.where(z > 0, torch.ones_like(z), slope))

    functions = torch.nn.functional
    return Kernel(lambda z: functions.leaky_relu(z, slope), lambda z: functions.leaky_relu_(z, slope), backward_)


def elu_kernel(activation: Activation) -> Kernel:
    assert isinstance(activation, Elu)
    alpha = activation.alpha

    def backward_(grad: Tensor, z: Tensor, h: Tensor) -> Tensor:
        return grad.mul_(torch.where(h > 0, torch.ones_like(h), h + alpha))

    functions = torch.nn.functional
    return Kernel(lambda z: functions.elu(z, alpha), lambda z: functions.elu_(z, alpha), backward_, needs_z=False)


def selu_kernel(_: Activation) -> Kernel:
    tail = Selu.scale * Selu.alpha

    def backward_(grad: Tensor, z: Tensor, h: Tensor) -> Tensor:
        return grad.mul_(torch.where(h > 0, torch.full_like(h, Selu.scale), h + tail))

    return Kernel(torch.selu, torch.selu_, backward_, needs_z=False)


def _smooth(
    phi: Phi,
    apply_: Phi,
    taylor: Callable[[Tensor], Taylor],
    slope: Callable[[Tensor, Tensor], Tensor],
    needs_z: bool = True,
) -> Kernel:
    """Return the kernel of a smooth activation, where `slope` maps (z, phi(z)) to phi'(z)."""
    return Kernel(phi, apply_, lambda grad, z, h: grad.mul_(slope(z, h)), taylor, needs_z)


def tanh_kernel(_: Activation) -> Kernel:
    def taylor(z: Tensor) -> Taylor:
        t = torch.tanh(z)
        d = 1 - t * t
        return t, d, -2 * t * d, (6 * t * t - 2) * d

    return _smooth(torch.tanh, torch.tanh_, taylor, lambda z, h: 1 - h * h, needs_z=False)


def sigmoid_kernel(_: Activation) -> Kernel:
    return _smooth(torch.sigmoid, torch.sigmoid_, _logistic_taylor, lambda z, h: h * (1 - h), needs_z=False)


def _logistic_taylor(z: Tensor) -> Taylor:
    s = torch.sigmoid(z)
    d = s * (1 - s)
    return s, d, d * (1 - 2 * s), d * (1 - 6 * d)


def silu_kernel(_: Activation) -> Kernel:
    def taylor(z: Tensor) -> Taylor:
        s, d1, d2, d3 = _logistic_taylor(z)
        return z * s, s + z * d1, 2 * d1 + z * d2, 3 * d2 + z * d3

    def slope(z: Tensor, h: Tensor) -> Tensor:
        s = torch.sigmoid(z)
        return s + h * (1 - s)

    silu = torch.nn.functional.silu
    return _smooth(silu, lambda z: silu(z, inplace=True), taylor, slope)


_SOFTPLUS_IS_LINEAR = 40.0
"""From here on log(1 + e^z) is z in float64, too."""


def softplus_kernel(_: Activation) -> Kernel:
    def phi(z: Tensor) -> Tensor:
        return torch.nn.functional.softplus(z, threshold=_SOFTPLUS_IS_LINEAR)  # logaddexp has no second derivative

    def apply_(z: Tensor) -> Tensor:
        return torch.logaddexp(z, torch.zeros((), dtype=z.dtype, device=z.device), out=z)

    def taylor(z: Tensor) -> Taylor:
        s, d1, d2, _ = _logistic_taylor(z)
        return apply_(z.clone()), s, d1, d2

    return _smooth(phi, apply_, taylor, lambda z, h: torch.sigmoid(z))


def erf_kernel(_: Activation) -> Kernel:
    def taylor(z: Tensor) -> Taylor:
        d = 2 / sqrt(pi) * torch.exp(-z * z)
        return torch.erf(z), d, -2 * z * d, (4 * z * z - 2) * d

    return _smooth(torch.erf, torch.erf_, taylor, lambda z, h: 2 / sqrt(pi) * torch.exp(-z * z))


def sin_kernel(_: Activation) -> Kernel:
    def taylor(z: Tensor) -> Taylor:
        s, c = torch.sin(z), torch.cos(z)
        return s, c, -s, -c

    return _smooth(torch.sin, torch.sin_, taylor, lambda z, h: torch.cos(z))


def gelu_kernel(_: Activation) -> Kernel:
    def density(z: Tensor) -> Tensor:
        return torch.exp(-0.5 * z * z) / sqrt(2 * pi)

    def taylor(z: Tensor) -> Taylor:
        cdf, pdf = torch.special.ndtr(z), density(z)
        return z * cdf, cdf + z * pdf, (2 - z * z) * pdf, (z * z - 4) * z * pdf

    def slope(z: Tensor, h: Tensor) -> Tensor:
        cdf: Tensor = torch.special.ndtr(z)
        return cdf + z * density(z)

    return _smooth(torch.nn.functional.gelu, lambda z: z.mul_(torch.special.ndtr(z)), taylor, slope)


def htanh_kernel(activation: Activation) -> Kernel:
    assert isinstance(activation, Htanh)
    a = activation.linear_region

    def backward_(grad: Tensor, z: Tensor, h: Tensor) -> Tensor:
        torch.ops.aten.hardtanh_backward.grad_input(grad, h, -a, a, grad_input=grad)
        return grad

    return Kernel(_clipped(a, torch.zeros_like), lambda z: z.clamp_(-a, a), backward_, needs_z=False)


def _clipped(a: float, drop: Phi) -> Phi:
    """Return clip(z, -a, a) - sign(z) drop(max(|z| - a, 0)) as a function of z, out of place."""
    return lambda z: z.clamp(-a, a) - z.sign() * drop((z.abs() - a).clamp(min=0))


def _linear_region(activation: Activation, drop: Phi, drop_: Phi, steepness_: Phi) -> Kernel:
    """Return the kernel of clip(z, -a, a) - sign(z) drop(max(|z| - a, 0)).

    Args:
        activation: Defines a, the half-width of the linear region.
        drop: Computes drop out of place.
        drop_: Computes drop in place.
        steepness_: Computes the derivative of drop in place. Its values at negative arguments are not used.
    """
    assert isinstance(activation, LinearRegion)
    a = activation.linear_region

    def apply_(z: Tensor) -> Tensor:
        drop = drop_(z.abs().sub_(a).clamp_(min=0)).copysign_(z)
        return z.clamp_(-a, a).sub_(drop)

    def backward_(grad: Tensor, z: Tensor, h: Tensor) -> Tensor:
        excess = z.abs().sub_(a)
        return grad.mul_(torch.where(excess > 0, -steepness_(excess.clone()), 1.0))

    return Kernel(_clipped(a, drop), apply_, backward_)


def s_exp_kernel(activation: Activation) -> Kernel:
    return _linear_region(
        activation,
        lambda e: -torch.expm1(-e),
        lambda e: e.neg_().expm1_().neg_(),
        lambda e: e.clamp_(min=0).neg_().exp_(),
    )


def s_sin_kernel(activation: Activation) -> Kernel:
    return _linear_region(activation, lambda e: 1 - torch.cos(e), lambda e: e.cos_().neg_().add_(1), torch.sin_)


def s_saw_kernel(activation: Activation) -> Kernel:
    assert isinstance(activation, LinearRegion)
    a = activation.linear_region
    return _linear_region(activation, lambda e: e.clamp(max=a), lambda e: e.clamp_(max=a), lambda e: e.lt_(a))
