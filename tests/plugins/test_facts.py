"""What is found out about a function that is to be an activation, and what keeps it from being one."""

import re
from math import inf

import pytest
import torch
from torch.nn import functional as F  # noqa: N812  # as everyone calls it

from suite.plugins.derivatives import UnusableError
from suite.plugins.facts import facts_of

FOUND = [
    ("relu", torch.relu, (0.0,), "piecewise_linear", True, ((-inf, 0.0),)),
    ("abs", torch.abs, (0.0,), "piecewise_linear", True, ()),
    ("identity", lambda z: z, (), "piecewise_linear", True, ()),
    ("elu", F.elu, (0.0,), "kinked", False, ()),
    ("hardtanh", lambda z: F.hardtanh(z, -1, 2), (-1.0, 2.0), "piecewise_linear", False, ((-inf, -1.0), (2.0, inf))),
    ("hardswish", F.hardswish, (-3.0, 3.0), "kinked", False, ((-inf, -3.0),)),
    ("gelu", F.gelu, (), "smooth", False, ()),
    ("silu", F.silu, (), "smooth", False, ()),
    ("softplus", F.softplus, (), "smooth", False, ()),
    ("mish", F.mish, (), "smooth", False, ()),
    ("steep tanh", lambda z: torch.tanh(20 * z), (), "smooth", False, ()),
    ("quick sine", lambda z: torch.sin(400 * z), (), "smooth", False, ()),
    ("square", lambda z: z**2, (), "smooth", False, ()),
    ("a step that was flat", lambda z: F.relu(z) - F.relu(z - 1) + F.relu(z - 2), (0.0, 1.0, 2.0), "piecewise_linear",
     False, ((-inf, 0.0), (1.0, 2.0))),
]  # fmt: skip


@pytest.mark.parametrize(("phi", "kinks", "kind", "homogeneous", "flat"), [case[1:] for case in FOUND],
                         ids=[case[0] for case in FOUND])  # fmt: skip
def test_facts_are_found_out(phi, kinks, kind, homogeneous, flat):
    """Kind, homogeneity and flat sides, of functions whose kinks are told."""
    facts = facts_of(phi, kinks)

    assert (facts.kind, facts.homogeneous, facts.flat_sides) == (kind, homogeneous, flat)


@pytest.mark.parametrize(("rate", "pace"), [(0.5, 1.0), (1.0, 1.0), (7.0, 7.0), (40.0, 40.0)])
def test_pace_is_that_of_the_sine_at_its_frequency(rate, pace):
    """And 1 for whatever is slower."""
    assert facts_of(lambda z: torch.sin(rate * z), ()).pace == pytest.approx(pace, rel=1e-3)


REFUSED = [
    ("a kink in the slope", torch.relu, (), "its slope jumps at z = 0; say so: @activation(kinks=(0,))"),
    ("elsewhere", lambda z: torch.relu(z - 1.25), (), "its slope jumps at z = 1.25"),
    ("a second one", lambda z: F.hardtanh(z, -0.5, 0.8), (-0.5,), "kinks=(-0.5, 0.8)"),
    ("two", lambda z: F.relu6(z - 1), (), "its slope jumps at z = 1 and 7; say so: @activation(kinks=(1, 7))"),
    ("of each order", lambda z: F.elu(z) + torch.relu(z - 1.25) + (z + 2).abs() ** 3, (),
     "its slope jumps at z = 1.25; its second derivative jumps at z = 0; its third derivative jumps at z = -2; say so: "
     "@activation(kinks=(-2, 0, 1.25))"),
    ("many", lambda z: (z - torch.floor(z) - 0.5).abs(), (), "-4.5, -4 and 28 places more; say so"),
    ("several steps", lambda z: z + torch.sign(z) + torch.sign(z - 2), (), "its value jumps at z = 0 and 2; make it"),
    ("weights of its own", torch.nn.PReLU(dtype=torch.float64), (0.0,), "it has parameters to train"),
    ("in the second derivative", F.elu, (), "its second derivative jumps at z = 0"),
    ("in the third", lambda z: z.abs() ** 3, (), "its third derivative jumps at z = 0"),
    ("a small one", lambda z: torch.sin(z) + 2e-3 * torch.relu(z - 1), (), "its slope jumps at z = 1"),
    ("a step", torch.sign, (0.0,), "its value jumps at z = 0"),
    ("a step that is not told", lambda z: torch.sign(z) + z, (), "its value jumps at z = 0; make it continuous"),
    ("a constant", lambda z: 0 * z + 1, (), "it is constant"),
    ("neighbours", lambda z: torch.softmax(z, -1), (), "depend on their neighbours"),
    ("neighbours along another axis", lambda z: z - z.mean(0) if z.dim() > 1 else z, (), "depend on their neighbours"),
    ("chance", lambda z: z * torch.rand((), generator=CHANCE).to(z.dtype), (), "other values each time"),
    ("in place", torch.relu_, (0.0,), "changes its argument in place"),
    ("overflow", torch.exp, (), "not finite at z = 800; clamp"),
    ("a pole", lambda z: torch.sin(z) / z, (), "not finite at z = 0"),
    ("shape", lambda z: z.sum(), (), "it makes shape () of (2, 3, 4)"),
    ("dtype", lambda z: z.double(), (), "it makes torch.float64 of torch.float32"),
    ("no tensor", lambda z: z.tolist(), (), "it returns list"),
    ("no gradient", lambda z: torch.sin(z).detach(), (), "torch's derivative of it is not the slope"),
    ("disorder", torch.relu, (1.0, 0.0), "no rising numbers"),
]  # fmt: skip
CHANCE = torch.Generator().manual_seed(0)


@pytest.mark.parametrize(
    ("phi", "kinks", "fragment"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_what_cannot_be_an_activation_is_told_why(phi, kinks, fragment):
    """With the place and a cure."""
    with pytest.raises(UnusableError) as refused:
        facts_of(phi, kinks)

    assert fragment in str(refused.value)


def test_a_derivative_that_is_given_must_be_one():
    """Against differences of the values."""
    facts_of(torch.sin, (), torch.cos)
    with pytest.raises(UnusableError, match="the derivative that is given is not the slope"):
        facts_of(torch.sin, (), torch.sin)


@pytest.mark.parametrize(("low", "high"), [(0.99, 1.01), (100.0, 200.0), (-5000.0, -2500.0)])
def test_a_derivative_that_is_wrong_in_a_few_places_is_found(low, high):
    """Within a hundredth of where all else is tried, and in a tenth of the decades beyond."""

    def wrong(z):
        return torch.cos(z) + ((low < z) & (z < high))

    with pytest.raises(UnusableError, match="the derivative that is given is not the slope of its values") as refused:
        facts_of(torch.sin, (), wrong)
    (place,) = re.findall(r"z = (\S+);", str(refused.value))
    assert low < float(place) < high


@pytest.mark.parametrize("slope", [
    lambda z: torch.full_like(z, torch.nan),
    lambda z: torch.exp(z) / (1 + torch.exp(z)),  # nan from 710 on
])  # fmt: skip
def test_a_derivative_that_is_not_finite_is_found(slope):
    """Where it would spoil a training."""
    with pytest.raises(UnusableError, match=r"is not finite at z = .*; clamp what overflows"):
        facts_of(F.softplus, (), slope)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_a_small_activation_has_a_derivative_as_exact(scale):
    """It is compared with its largest slope, and that with 1."""
    with pytest.raises(UnusableError, match="the derivative that is given is not the slope"):
        facts_of(lambda z: scale * torch.tanh(z), (), lambda z: 1.01 * scale * torch.cosh(z.clamp(-50, 50)) ** -2)


SOUND = [
    ("growing frequency", lambda z: torch.sin(z**2 / 2), ()),
    ("growing more", lambda z: torch.cos(z**3 / 10), ()),
    ("digits lost", lambda z: z + torch.exp(z.clamp(max=40)), (40.0,)),
    ("digits lost to a power", lambda z: z + z.clamp(-100, 100) ** 7, (-100.0, 100.0)),
    ("digits cancelled", lambda z: torch.log(z + torch.sqrt(z**2 + 1)), ()),
    ("steep, which is another's to say", lambda z: torch.tanh(1e4 * z), ()),
]


@pytest.mark.parametrize(("phi", "kinks"), [case[1:] for case in SOUND], ids=[case[0] for case in SOUND])
def test_derivatives_are_right_where_differences_are_not(phi, kinks):
    """A step may be too long, or rounding too large, for differences to tell the slope."""
    assert facts_of(phi, kinks).kinks == kinks


def test_a_bound_far_out_is_no_homogeneity():
    """Between such kinks it is, and nowhere else."""
    assert not facts_of(lambda z: F.hardtanh(z, -300, 300), (-300.0, 300.0)).homogeneous


def test_a_kink_is_advised_as_it_can_be_said():
    """In as many digits as tell it from a place beside it; fewer are found wanting."""

    def shifted(z):
        return torch.relu(z - 1 / 3)

    with pytest.raises(
        UnusableError, match=r"jumps at z = 0\.333333333; say so: @activation\(kinks=\(0\.333333333,\)\)"
    ):
        facts_of(shifted, ())
    for said in (0.333333333, 0.333333, 1 / 3):
        facts = facts_of(shifted, (said,))
        assert (facts.kind, facts.kinks, facts.flat_sides) == ("piecewise_linear", (said,), ((-inf, said),))
    with pytest.raises(UnusableError, match=r"say so: @activation\(kinks=\(0\.333, 0\.333333333\)\)"):
        facts_of(shifted, (0.333,))


TRUE = [
    ("beside large values", lambda z: torch.relu(z) + z**12, (0.0,)),
    ("beside steep slopes", lambda z: torch.where(z > 0, torch.expm1(4 * z.clamp(max=12)), z), (0.0, 12.0)),
    ("of a flat side", lambda z: torch.relu(z) ** 4, (0.0,)),
    ("small", lambda z: torch.sin(z) + 1e-7 * torch.relu(z - 1), (1.0,)),
    ("far out", lambda z: torch.tanh(z) + torch.relu(z - 3e8), (3e8,)),
    ("near each other", lambda z: z + 10 * torch.relu(z) - 10 * torch.relu(z - 5e-7), (0.0, 5e-7)),
]


@pytest.mark.parametrize(("phi", "kinks"), [case[1:] for case in TRUE], ids=[case[0] for case in TRUE])
def test_a_kink_is_one_however_it_lies(phi, kinks):
    """What is around it counts, and not how large phi is elsewhere."""
    facts = facts_of(phi, kinks)

    assert facts.kinks == kinks
    assert facts.kind != "smooth"


@pytest.mark.parametrize(("phi", "said", "kinks", "kind"), [
    (torch.tanh, (0.0,), (), "smooth"),
    (torch.tanh, (0.3,), (), "smooth"),
    (lambda z: torch.sin(90 * z), (-1.0, 0.0, 0.3), (), "smooth"),
    (lambda z: F.leaky_relu(z, 1.0), (0.0,), (), "piecewise_linear"),
    (lambda z: F.leaky_relu(z, 0.999_999), (0.0, 2.0), (0.0,), "piecewise_linear"),
    (F.elu, (-1.0, 0.0), (0.0,), "kinked"),
    (lambda z: z.abs() ** 3, (0.0, 1.0), (0.0,), "kinked"),
])  # fmt: skip
def test_a_kink_that_is_said_where_there_is_none_is_none(phi, said, kinks, kind):
    """As of a function of parameters at a value that makes it smooth."""
    facts = facts_of(phi, said)

    assert (facts.kinks, facts.kind) == (kinks, kind)
