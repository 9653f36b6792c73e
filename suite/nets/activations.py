"""The activations' torch kernels: the value in place, the backward pass, and derivatives for Taylor series."""

from collections.abc import Callable
from dataclasses import dataclass
from math import pi, sqrt

import torch
from torch import Tensor

from suite.catalog.activations import Activation, Elu, Htanh, LeakyRelu, Selu
from suite.catalog.linear_region import LinearRegion

Taylor = tuple[Tensor, Tensor, Tensor, Tensor]
"""phi and its first three derivatives."""


@dataclass(frozen=True)
class Kernel:
    """How one activation is computed.

    Attributes:
        apply_: phi, in place.
        backward_: (gradient by phi(z), z, phi(z)) -> gradient by z, in place of the first.
        taylor: z -> phi(z), phi'(z), phi''(z), phi'''(z); None where the third derivative has kinks.
        needs_z: whether the backward pass looks at z, so that the forward pass must keep it beside phi(z).
    """

    apply_: Callable[[Tensor], Tensor]
    backward_: Callable[[Tensor, Tensor, Tensor], Tensor]
    taylor: Callable[[Tensor], Taylor] | None = None
    needs_z: bool = True


def kernel(activation: Activation) -> Kernel:
    """The kernel of a catalog's activation."""
    return KERNELS[activation.name](activation)


def _relu(_: Activation) -> Kernel:
    def backward_(grad: Tensor, z: Tensor, h: Tensor) -> Tensor:
        # The same as grad.mul_(h > 0), in a tenth of the time.
        torch.ops.aten.threshold_backward.grad_input(grad, h, 0, grad_input=grad)
        return grad

    return Kernel(torch.relu_, backward_, needs_z=False)


def _abs(_: Activation) -> Kernel:
    return Kernel(torch.abs_, lambda grad, z, h: grad.mul_(torch.sign(z)))


def _identity(_: Activation) -> Kernel:
    return Kernel(lambda z: z, lambda grad, z, h: grad, needs_z=False)


def _leaky_relu(activation: Activation) -> Kernel:
    assert isinstance(activation, LeakyRelu)
    slope = activation.slope

    def backward_(grad: Tensor, z: Tensor, h: Tensor) -> Tensor:
        return grad.mul_(torch.where(z > 0, torch.ones_like(z), slope))

    return Kernel(lambda z: torch.nn.functional.leaky_relu_(z, slope), backward_)


def _elu(activation: Activation) -> Kernel:
    assert isinstance(activation, Elu)
    alpha = activation.alpha

    def backward_(grad: Tensor, z: Tensor, h: Tensor) -> Tensor:
        return grad.mul_(torch.where(h > 0, torch.ones_like(h), h + alpha))

    return Kernel(lambda z: torch.nn.functional.elu_(z, alpha), backward_, needs_z=False)


def _selu(_: Activation) -> Kernel:
    tail = Selu.scale * Selu.alpha

    def backward_(grad: Tensor, z: Tensor, h: Tensor) -> Tensor:
        return grad.mul_(torch.where(h > 0, torch.full_like(h, Selu.scale), h + tail))

    return Kernel(torch.selu_, backward_, needs_z=False)


def _smooth(
    apply_: Callable[[Tensor], Tensor],
    taylor: Callable[[Tensor], Taylor],
    slope: Callable[[Tensor, Tensor], Tensor],
    needs_z: bool = True,
) -> Kernel:
    """A smooth activation; `slope` gives phi' from z and phi(z)."""
    return Kernel(apply_, lambda grad, z, h: grad.mul_(slope(z, h)), taylor, needs_z)


def _tanh(_: Activation) -> Kernel:
    def taylor(z: Tensor) -> Taylor:
        t = torch.tanh(z)
        d = 1 - t * t
        return t, d, -2 * t * d, (6 * t * t - 2) * d

    return _smooth(torch.tanh_, taylor, lambda z, h: 1 - h * h, needs_z=False)


def _sigmoid(_: Activation) -> Kernel:
    return _smooth(torch.sigmoid_, _logistic_taylor, lambda z, h: h * (1 - h), needs_z=False)


def _logistic_taylor(z: Tensor) -> Taylor:
    s = torch.sigmoid(z)
    d = s * (1 - s)
    return s, d, d * (1 - 2 * s), d * (1 - 6 * d)


def _silu(_: Activation) -> Kernel:
    def taylor(z: Tensor) -> Taylor:
        s, d1, d2, d3 = _logistic_taylor(z)
        return z * s, s + z * d1, 2 * d1 + z * d2, 3 * d2 + z * d3

    def slope(z: Tensor, h: Tensor) -> Tensor:
        s = torch.sigmoid(z)
        return s + h * (1 - s)

    return _smooth(lambda z: torch.nn.functional.silu(z, inplace=True), taylor, slope)


def _softplus(_: Activation) -> Kernel:
    def apply_(z: Tensor) -> Tensor:
        return torch.logaddexp(z, torch.zeros((), dtype=z.dtype, device=z.device), out=z)

    def taylor(z: Tensor) -> Taylor:
        s, d1, d2, _ = _logistic_taylor(z)
        return apply_(z.clone()), s, d1, d2

    return _smooth(apply_, taylor, lambda z, h: torch.sigmoid(z))


def _erf(_: Activation) -> Kernel:
    def taylor(z: Tensor) -> Taylor:
        d = 2 / sqrt(pi) * torch.exp(-z * z)
        return torch.erf(z), d, -2 * z * d, (4 * z * z - 2) * d

    return _smooth(torch.erf_, taylor, lambda z, h: 2 / sqrt(pi) * torch.exp(-z * z))


def _sin(_: Activation) -> Kernel:
    def taylor(z: Tensor) -> Taylor:
        s, c = torch.sin(z), torch.cos(z)
        return s, c, -s, -c

    return _smooth(torch.sin_, taylor, lambda z, h: torch.cos(z))


def _gelu(_: Activation) -> Kernel:
    def density(z: Tensor) -> Tensor:
        return torch.exp(-0.5 * z * z) / sqrt(2 * pi)

    def taylor(z: Tensor) -> Taylor:
        cdf, pdf = torch.special.ndtr(z), density(z)
        return z * cdf, cdf + z * pdf, (2 - z * z) * pdf, (z * z - 4) * z * pdf

    def slope(z: Tensor, h: Tensor) -> Tensor:
        cdf: Tensor = torch.special.ndtr(z)
        return cdf + z * density(z)

    return _smooth(lambda z: z.mul_(torch.special.ndtr(z)), taylor, slope)


def _htanh(activation: Activation) -> Kernel:
    assert isinstance(activation, Htanh)
    a = activation.linear_region

    def backward_(grad: Tensor, z: Tensor, h: Tensor) -> Tensor:
        torch.ops.aten.hardtanh_backward.grad_input(grad, h, -a, a, grad_input=grad)
        return grad

    return Kernel(lambda z: z.clamp_(-a, a), backward_, needs_z=False)


def _linear_region(
    activation: Activation, drop_: Callable[[Tensor], Tensor], steepness_: Callable[[Tensor], Tensor]
) -> Kernel:
    """clip(z, -a, a) - sign(z) drop(|z| - a); both functions work in place."""
    assert isinstance(activation, LinearRegion)
    a = activation.linear_region

    def apply_(z: Tensor) -> Tensor:
        drop = drop_(z.abs().sub_(a).clamp_(min=0)).copysign_(z)
        return z.clamp_(-a, a).sub_(drop)

    def backward_(grad: Tensor, z: Tensor, h: Tensor) -> Tensor:
        excess = z.abs().sub_(a)
        return grad.mul_(torch.where(excess > 0, -steepness_(excess.clone()), 1.0))

    return Kernel(apply_, backward_)


def _s_exp(activation: Activation) -> Kernel:
    return _linear_region(activation, lambda e: e.neg_().expm1_().neg_(), lambda e: e.clamp_(min=0).neg_().exp_())


def _s_sin(activation: Activation) -> Kernel:
    return _linear_region(activation, lambda e: e.cos_().neg_().add_(1), torch.sin_)


def _s_saw(activation: Activation) -> Kernel:
    assert isinstance(activation, LinearRegion)
    a = activation.linear_region
    return _linear_region(activation, lambda e: e.clamp_(max=a), lambda e: e.lt_(a))


KERNELS: dict[str, Callable[[Activation], Kernel]] = {
    "relu": _relu,
    "abs": _abs,
    "identity": _identity,
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "selu": _selu,
    "gelu": _gelu,
    "silu": _silu,
    "softplus": _softplus,
    "tanh": _tanh,
    "erf": _erf,
    "sin": _sin,
    "sigmoid": _sigmoid,
    "htanh": _htanh,
    "s_exp": _s_exp,
    "s_sin": _s_sin,
    "s_saw": _s_saw,
}
"""How each activation is computed, by its name; a plug-in's joins."""
