"""Which functions can be activations, and the facts that are found about them."""

from math import inf

import pytest
import torch
from torch.nn import functional as F  # noqa: N812  # as everyone calls it

from suite.plugins.activation_checks import find_facts
from suite.plugins.loading import PlugInError

FOUND = [
    ("relu", torch.relu, (0.0,), "piecewise_linear", True, ((-inf, 0.0),)),
    ("abs", torch.abs, (0.0,), "piecewise_linear", True, ()),
    ("identity", lambda z: z, (), "piecewise_linear", True, ()),
    ("leaky relu of slope 1", lambda z: F.leaky_relu(z, 1.0), (0.0,), "piecewise_linear", True, ()),
    ("elu", F.elu, (0.0,), "kinked", False, ()),
    ("hardtanh", lambda z: F.hardtanh(z, -1, 2), (-1.0, 2.0), "piecewise_linear", False, ((-inf, -1.0), (2.0, inf))),
    ("hardtanh with far kinks", lambda z: F.hardtanh(z, -300, 300), (-300.0, 300.0), "piecewise_linear", False,
     ((-inf, -300.0), (300.0, inf))),
    ("hardswish", F.hardswish, (-3.0, 3.0), "kinked", False, ((-inf, -3.0),)),
    ("hardtanh with kinks at the end", lambda z: F.hardtanh(z, -10, 10), (-10.0, 10.0), "piecewise_linear", False,
     ((-inf, -10.0), (10.0, inf))),
    ("flat with one kink too many", lambda z: torch.relu(z) ** 4, (-1.0, 0.0), "kinked", False, ((-inf, 0.0),)),
    ("gelu", F.gelu, (), "smooth", False, ()),
    ("silu", F.silu, (), "smooth", False, ()),
    ("softplus", F.softplus, (), "smooth", False, ()),
    ("mish", F.mish, (), "smooth", False, ()),
    ("steep tanh", lambda z: torch.tanh(20 * z), (), "smooth", False, ()),
    ("very steep tanh", lambda z: torch.tanh(100 * z), (), "smooth", False, ()),
    ("fast sine", lambda z: torch.sin(400 * z), (), "smooth", False, ()),
    ("square", lambda z: z**2, (), "smooth", False, ()),
    ("growing frequency", lambda z: torch.cos(z**3 / 10), (), "smooth", False, ()),
    ("large values", lambda z: z + z.clamp(-100, 100) ** 7, (-100.0, 100.0), "kinked", False, ()),
    ("canceled digits", lambda z: torch.log(z + torch.sqrt(z**2 + 1)), (), "smooth", False, ()),
    ("flat between kinks", lambda z: F.relu(z) - F.relu(z - 1) + F.relu(z - 2), (0.0, 1.0, 2.0), "piecewise_linear",
     False, ((-inf, 0.0), (1.0, 2.0))),
]  # fmt: skip


@pytest.mark.parametrize(("phi", "kinks", "kind", "homogeneous", "flat"), [case[1:] for case in FOUND],
                         ids=[case[0] for case in FOUND])  # fmt: skip
def test_facts_are_found(phi, kinks, kind, homogeneous, flat):
    """Kind, homogeneity and flat sides of functions whose kinks are declared."""
    facts = find_facts(phi, kinks)

    assert (facts.kind, facts.homogeneous, facts.flat_sides) == (kind, homogeneous, flat)


@pytest.mark.parametrize(("rate", "pace"), [(0.5, 1.0), (1.0, 1.0), (7.0, 7.0), (40.0, 40.0), (321.7, 321.7)])
def test_the_pace_of_a_sine_is_its_frequency(rate, pace):
    """It is 1 for slower ones."""
    assert find_facts(lambda z: torch.sin(rate * z), ()).pace == pytest.approx(pace, rel=1e-3)


CHANCE = torch.Generator().manual_seed(0)
REFUSED = [
    ("a kink", torch.relu, (), "its slope jumps at z = 0; declare it: @activation(kinks=(0,))"),
    ("a kink elsewhere", lambda z: torch.relu(z - 1.25), (), "its slope jumps at z = 1.25"),
    ("a kink at 1/3", lambda z: torch.relu(z - 1 / 3), (), "kinks=(0.333333333,)"),
    ("a kink that is not quite as declared", lambda z: torch.relu(z - 1 / 3), (0.333,), "kinks=(0.333, 0.333333333)"),
    ("a second kink", lambda z: F.hardtanh(z, -0.5, 0.8), (-0.5,), "kinks=(-0.5, 0.8)"),
    ("a kink close to a declared one", lambda z: z.abs() + torch.relu(z - 1e-3), (0.0,), "kinks=(0, 0.001)"),
    ("two kinks", lambda z: F.relu6(z - 1), (), "its slope jumps at z = 1, 7; declare it: @activation(kinks=(1, 7))"),
    ("kinks of all orders", lambda z: F.elu(z) + torch.relu(z - 1.25) + (z + 2).abs() ** 3, (),
     "its slope jumps at z = 1.25; its second derivative jumps at z = 0; its third derivative jumps at z = -2; declare "
     "it: @activation(kinks=(-2, 0, 1.25))"),
    ("many kinks", lambda z: (z - torch.floor(z) - 0.5).abs(), (), "-4.5, -4 and 28 more; declare it: @"),
    ("a small kink", lambda z: torch.sin(z) + 2e-3 * torch.relu(z - 1), (), "its slope jumps at z = 1"),
    ("a jump", lambda z: torch.sign(z) + z, (), "its value jumps at z = 0; make it continuous"),
    ("a jump at a declared kink", torch.sign, (0.0,), "its value jumps at z = 0; make it continuous"),
    ("two jumps", lambda z: z + torch.sign(z) + torch.sign(z - 2), (), "its value jumps at z = 0, 2; make it"),
    ("weights", torch.nn.PReLU(dtype=torch.float64), (0.0,), "it has parameters to train"),
    ("a constant", lambda z: 0 * z + 1, (), "it is constant"),
    ("neighbors", lambda z: torch.softmax(z, -1), (), "depend on their neighbors"),
    ("neighbors along another axis", lambda z: z - z.mean(0) if z.dim() > 1 else z, (), "depend on their neighbors"),
    ("chance", lambda z: z * torch.rand((), generator=CHANCE).to(z.dtype), (), "is not deterministic"),
    ("in place", torch.relu_, (0.0,), "changes its argument in place"),
    ("overflow", torch.exp, (), "it is not finite at z = "),
    ("a pole", lambda z: torch.sin(z) / z, (), "not finite at z = 0"),
    ("an infinite slope", lambda z: z.abs().sqrt(), (0.0,), "torch's derivative of it is not finite at z = 0"),
    ("shape", lambda z: z.sum(), (), "it returns shape () for (2, 3, 4)"),
    ("dtype", lambda z: z.double(), (), "it returns torch.float64 on cpu for torch.float32 on cpu; keep dtype"),
    ("no tensor", lambda z: z.tolist(), (), "it returns list"),
    ("no gradient", lambda z: torch.sin(z).detach(), (), "torch's derivative of it is not the slope"),
    ("disorder", torch.relu, (1.0, 0.0), "expected increasing numbers"),
    ("no number", torch.relu, (float("nan"),), "expected increasing numbers"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("phi", "kinks", "fragment"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_a_function_that_cannot_be_an_activation_is_an_error(phi, kinks, fragment):
    """With the place and a hint."""
    with pytest.raises(PlugInError) as refused:
        find_facts(phi, kinks)

    assert fragment in str(refused.value)


@pytest.mark.parametrize("kink", [0.333333333, 0.333333, 1 / 3])
def test_six_decimals_of_a_kink_are_enough(kink):
    """The kink is at 1/3."""
    facts = find_facts(lambda z: torch.relu(z - 1 / 3), (kink,))

    assert (facts.kind, facts.flat_sides) == ("piecewise_linear", ((-inf, kink),))


@pytest.mark.parametrize(
    ("phi", "right", "wrong"),
    [
        (torch.sin, torch.cos, torch.sin),
        (torch.sin, torch.cos, lambda z: torch.cos(z) + ((z > 0.98) & (z < 1.02))),
        (torch.sin, torch.cos, lambda z: torch.cos(z) + (z > 100)),
        (F.softplus, torch.sigmoid, lambda z: torch.exp(z) / (1 + torch.exp(z))),  # nan from 710 on
        (torch.tanh, lambda z: 1 - torch.tanh(z) ** 2, lambda z: 1.01 - torch.tanh(z) ** 2),
        *(
            (
                lambda z, size=size: size * torch.tanh(z),
                lambda z, size=size: size * torch.cosh(z.clamp(-50, 50)) ** -2,
                lambda z, size=size: 1.01 * size * torch.cosh(z.clamp(-50, 50)) ** -2,
            )
            for size in (1e-6, 1e6)
        ),
    ],
)
def test_a_derivative_that_is_given_must_agree_with_torchs(phi, right, wrong):
    """At all points."""
    find_facts(phi, (), right)
    with pytest.raises(PlugInError, match=r"derivative (that is given is not the slope|is not finite at z = )"):
        find_facts(phi, (), wrong)
